#!/usr/bin/env python3
"""Opens the report of a sweep in a real Chromium and fails on what a reader would stumble over.

    python3 tests/browser/check.py DIR [--keep FOLDER]

DIR is a folder that `lightloom report` filled. --keep leaves screenshots and a PDF in FOLDER.

Screenshots are checked by what they must show, not against stored pictures: fonts differ from machine to machine, and a
tolerance that forgives them would forgive a missing line as well. Every figure must be there, show its colours on the
ground of its scheme, and hold its texts within its frame, none over another.
"""

import base64
import csv
import io
import pathlib
import sys
import urllib.parse

sys.dont_write_bytecode = True  # nothing is left in the checkout
from chromium import Chromium, pixels  # noqa: E402

PAPER = {"light": (255, 255, 255), "dark": (27, 31, 36)}
# What marks the first line of a chart, in each scheme.
FIRST = {"light": (0, 114, 178), "dark": (77, 171, 234)}
FOCUSABLE = """[...document.querySelectorAll('a[href], summary, select, [tabindex="0"]')]
    .filter((e) => e.checkVisibility() && !e.closest('details:not([open]) > :not(summary)'))"""
# An element in words that tell it from the others.
WORDS = """((e) => `${e.localName}#${e.id || e.getAttribute('href')?.slice(0, 40) || ''} in ${
    e.closest('figure, section, nav, body').id || e.closest('figure, section, nav, body').localName}: ${
    (e.getAttribute('aria-label') || e.textContent).trim().slice(0, 40)}`)"""

failures = []


def check(holds, sentence):
    if not holds:
        failures.append(sentence)
        print(f"FAILED  {sentence}")


def no_complaints(browser, page):
    """The console is empty and nothing but the page itself was fetched."""
    for event in browser.events:
        method, told = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            check(False, f"no exception: {told['exceptionDetails']['text']} {told['exceptionDetails'].get('exception')}")
        if method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            check(False, f"no message on the console: {told['args']}")
        if method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            check(False, f"no entry in the log: {told['entry']['text']}")
        if method == "Network.requestWillBeSent":
            url = told["request"]["url"]
            check(url.split("#")[0] == page or url.startswith("data:"), f"no request: {url[:80]}")


def structure(browser, folder):
    """Language, headings, names; every figure with picture, data and CSV; the same figures as files."""
    check(browser.run("document.documentElement.lang") == "en", "the page says its language")
    levels = browser.run("[...document.querySelectorAll('h1, h2, h3')].map((h) => +h.localName[1])")
    check(levels.count(1) == 1 and levels[0] == 1, "one headline stands first")
    check(all(b <= a + 1 for a, b in zip(levels, levels[1:])), f"no heading skips a level: {levels}")
    twice = browser.run("""(() => {
        const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
        return ids.filter((id, index) => ids.indexOf(id) !== index);
    })()""")
    check(twice == [], f"every id is there once: {twice}")
    dangling = browser.run("""[...document.querySelectorAll('[aria-labelledby], [aria-describedby]')]
        .flatMap((e) => [e.getAttribute('aria-labelledby'), e.getAttribute('aria-describedby')])
        .filter((id) => id && !document.getElementById(id))""")
    check(dangling == [], f"every name that is pointed to is there: {dangling}")
    nowhere = browser.run("""[...document.querySelectorAll('a[href^="#"]')].map((a) => a.getAttribute('href'))
        .filter((href) => !document.getElementById(href.slice(1)))""")
    check(nowhere == [], f"every link within the page leads somewhere: {nowhere}")
    listed = browser.run("""[...document.querySelectorAll('.contents a')].map((a) => a.getAttribute('href').slice(1))""")
    there = browser.run("[...document.querySelectorAll('figure')].map((f) => f.id)")
    check(listed == there, "the list of figures has every figure in the order of the page")
    figures = browser.run("""[...document.querySelectorAll('figure')].map((f) => ({
        id: f.id,
        svg: f.querySelectorAll('.picture svg').length,
        title: f.querySelector('h3').textContent,
        caption: f.querySelector('figcaption').textContent,
        rows: f.querySelectorAll('details tbody tr').length,
        marks: f.querySelectorAll('.picture [aria-label]').length,
        csv: f.querySelector('a[download]').href,
        stated: f.querySelector('a[download]').textContent,
    }))""")
    files = sorted(path.stem for path in (folder / "figures").glob("*.svg"))
    check(len(figures) >= 3, f"there are figures: {len(figures)}")
    missing = {f["id"] for f in figures} - set(files)
    check(not missing, f"every figure is a file of its own as well: {missing}")
    for figure in figures:
        name = figure["id"]
        check(figure["svg"] == 1 and figure["title"] and figure["caption"], f"{name}: picture, headline, caption")
        check(figure["marks"] > 0, f"{name}: values can be pointed at")
        check(figure["csv"].startswith("data:text/csv"), f"{name}: CSV is in the page")
        text = urllib.parse.unquote(figure["csv"].split(",", 1)[1])
        rows = list(csv.reader(io.StringIO(text)))
        check(f"({len(rows) - 1} row{'s' * (len(rows) != 2)})" in figure["stated"], f"{name}: CSV has as many rows as is said")
        check(figure["rows"] == min(400, len(rows) - 1) > 0, f"{name}: the table shows the rows")
        check(len({len(row) for row in rows}) == 1, f"{name}: every row of CSV has all columns")
    return [figure["id"] for figure in figures]


def texts(browser, width):
    """No text of a figure leaves it or lies over another one, and the page fits the window."""
    wrong = browser.run("""(() => {
        const wrong = [];
        for (const svg of document.querySelectorAll('.picture svg')) {
            const id = svg.closest('figure').id, frame = svg.getBoundingClientRect();
            const boxes = [...svg.querySelectorAll('text')].filter((t) => t.textContent.trim())
                .map((t) => [t.textContent, t.getBoundingClientRect(), t.getAttribute('transform')]);
            for (const [text, box] of boxes) {
                if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1
                    || box.bottom > frame.bottom + 1) wrong.push(`${id}: "${text}" leaves the figure`);
            }
            const level = boxes.filter(([, , turn]) => !turn || turn.includes('-90'));
            // Of a large mesh or matrix only neighbours can touch.
            for (let i = 0; i < level.length; i += 1) {
                for (let j = i + 1; j < Math.min(level.length, i + 200); j += 1) {
                    const [a, b] = [level[i][1], level[j][1]];
                    const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                    const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                    // Boxes of letters are taller than the letters.
                    if (w > 0.5 && h > 0.35 * Math.min(a.height, b.height)) {
                        wrong.push(`${id}: "${level[i][0]}" and "${level[j][0]}" overlap`);
                    }
                }
            }
        }
        return wrong.slice(0, 20);
    })()""")
    for sentence in wrong:
        check(False, f"{width} px: {sentence}")
    wide = browser.run("document.documentElement.scrollWidth")
    check(wide <= width, f"{width} px: the page is {wide} px wide")


def fits(browser, width):
    """Nothing is wider than the window but what scrolls within a frame of its own that fits."""
    wide = browser.run("""(() => {
        const scrolls = (e) => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX);
        const wide = [];
        for (const e of document.querySelectorAll('body *')) {
            if (!e.checkVisibility() || e.classList.contains('skip')) continue;
            const box = e.getBoundingClientRect();
            if (box.left >= -1 && box.right <= innerWidth + 1) continue;
            let frame = e.parentElement;
            while (frame && !scrolls(frame)) frame = frame.parentElement;
            if (frame === null) wide.push(`${e.localName}.${e.getAttribute('class')} of ${e.closest('[id]')?.id}`);
        }
        return wide.slice(0, 10);
    })()""")
    check(wide == [], f"{width} px: nothing leaves the window: {wide}")
    cut = browser.run("""[...document.querySelectorAll('figure, .card, .numbers div')]
        .filter((card) => card.checkVisibility()).flatMap((card) => {
            const edge = card.getBoundingClientRect();
            return [...card.children].filter((e) => e.getBoundingClientRect().right > edge.right + 1)
                .map((e) => `${e.localName}.${e.className} of ${card.id || card.className}`);
        })""")
    check(cut == [], f"{width} px: nothing leaves its card: {cut}")
    stuck = browser.run("""[...document.querySelectorAll('.picture, .scroll')].filter((e) => e.checkVisibility()
        && e.scrollWidth > e.clientWidth + 1 && e.tabIndex !== 0).map((e) => e.parentElement.id)""")
    check(stuck == [], f"{width} px: what scrolls can be scrolled by keys: {stuck}")


def close_to(a, b, by=12):
    return all(abs(x - y) <= by for x, y in zip(a, b))


def looks(browser, figures, scheme, keep):
    """Every figure shows colours on the ground of the scheme."""
    body = browser.run("getComputedStyle(document.body).backgroundColor")
    dark = sum(int(part) for part in body.strip("rgb()").split(",")) < 3 * 128
    check(dark == (scheme == "dark"), f"{scheme}: the page is {body}")
    for name in figures:
        box = browser.run(f"""(() => {{
            const b = document.querySelector('#{name} .picture svg').getBoundingClientRect();
            return [b.left + scrollX, b.top + scrollY, b.width, Math.min(b.height, 700)];
        }})()""")
        check(box[2] > 200 and box[3] > 80, f"{scheme}, {name}: the picture has a size: {box}")
        width, height, rows = pixels(browser.picture(*box))
        ground = rows[2][2]
        check(close_to(ground, PAPER[scheme]), f"{scheme}, {name}: the ground is {ground}")
        seen = {}
        for row in rows[::2]:
            for pixel in row[::2]:
                seen[pixel] = seen.get(pixel, 0) + 1
        total = sum(seen.values())
        drawn = 1 - sum(count for pixel, count in seen.items() if close_to(pixel, ground, 3)) / total
        check(0.02 < drawn < 0.98, f"{scheme}, {name}: {drawn:.1%} of the picture is drawn")
        check(len(seen) > 20, f"{scheme}, {name}: {len(seen)} colours")
        if name.startswith(("accuracy", "yield", "layer")):
            hits = sum(count for pixel, count in seen.items() if close_to(pixel, FIRST[scheme]))
            check(hits > 15, f"{scheme}, {name}: the first line shows ({hits} pixels)")
    if keep:
        size = browser.run("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        (keep / f"{scheme}.png").write_bytes(browser.picture(0, 0, size[0], min(size[1], 16000)))


def contrast(browser, scheme):
    """Letters stand out from their ground as WCAG AA asks: 4.5 to 1."""
    worst = browser.run("""(() => {
        const parts = (color) => color.match(/[\\d.]+/g).map(Number);
        const light = (color) => {
            const [r, g, b] = parts(color).map((c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = (e) => {
            for (; e; e = e.parentElement) {
                const color = getComputedStyle(e).backgroundColor;
                if (parts(color).length < 4 || parts(color)[3] > 0) return color;
            }
            return 'rgb(255, 255, 255)';
        };
        let worst = [99, ''];
        for (const e of document.querySelectorAll('h1, h2, h3, p, a, dt, dd, small, figcaption, summary, td, th, caption, label, select')) {
            if (!e.checkVisibility()) continue;
            const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < worst[0]) worst = [ratio, `${e.localName} "${e.textContent.slice(0, 30)}"`];
        }
        return worst;
    })()""")
    check(worst[0] >= 4.5, f"{scheme}: contrast {worst[0]:.2f} of {worst[1]}")
    worst = browser.run("""(() => {
        const light = (color) => {
            const [r, g, b] = color.match(/[\\d.]+/g).map(Number)
                .map((c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        let worst = [99, ''];
        for (const svg of document.querySelectorAll('.picture svg')) {
            const paper = getComputedStyle(svg.closest('figure')).backgroundColor;
            const boxes = [...svg.querySelectorAll('rect')].map((e) => [e.getBoundingClientRect(), getComputedStyle(e).fill])
                .filter(([, fill]) => fill.startsWith('rgb'));
            for (const text of svg.querySelectorAll('text')) {
                if (!text.textContent.trim()) continue;
                const box = text.getBoundingClientRect();
                const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
                const under = boxes.filter(([b]) => b.left <= x && x <= b.right && b.top <= y && y <= b.bottom);
                const ground = under.length ? under[under.length - 1][1] : paper;
                const [a, b] = [light(getComputedStyle(text).fill), light(ground)];
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio < worst[0]) worst = [ratio, `"${text.textContent}" in ${svg.closest('figure').id}`];
            }
        }
        return worst;
    })()""")
    check(worst[0] >= 4.5, f"{scheme}: contrast {worst[0]:.2f} of the text {worst[1]}")


def keyboard(browser):
    """Tab reaches everything in the order of the page with a visible outline; arrows read figures."""
    expected = browser.run(f"{FOCUSABLE}.map({WORDS})")
    browser.run("document.activeElement.blur(); window.scrollTo(0, 0)")
    visited = []
    for _ in expected:
        browser.press("Tab")
        at, outline = browser.run(f"""[{WORDS}(document.activeElement),
            getComputedStyle(document.activeElement).outlineStyle]""")
        visited.append(at)
        check(outline != "none", f"the focus shows: {at}")
    check(visited == expected, f"Tab follows the page: {[p for p in zip(visited, expected) if p[0] != p[1]][:2]}")
    check(expected[0].startswith("a##main"), f"the first stop skips to the figures: {expected[0]}")
    browser.run("document.querySelector('.picture').focus()")
    browser.press("ArrowRight")
    first = browser.run("document.querySelector('.picture [aria-label]').getAttribute('aria-label')")
    told = browser.run("document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent")
    check(told == first and told, f"an arrow key reads the first value: {told!r}, {first!r}")
    browser.press("End")
    last = browser.run("document.getElementById('tip').textContent")
    check(last != first, "End reads the last value")
    browser.press("Escape")
    check(browser.run("document.getElementById('tip').hidden"), "Escape puts the words away")
    browser.run("document.querySelector('figure summary').focus()")
    browser.press("Enter", text="\r")
    check(browser.run("document.querySelector('figure details').open"), "Enter opens the data of a figure")
    browser.press("Enter", text="\r")
    if browser.run("!!document.getElementById('confusion-point')"):
        state = """[...document.querySelectorAll('#confusion .mark')].map((m) => m.getAttribute('aria-label')).join()"""
        browser.run("document.getElementById('confusion-point').focus()")
        start = browser.run(state)
        options = browser.run("document.getElementById('confusion-point').options.length")
        browser.run("document.getElementById('confusion-point').selectedIndex = 0")
        browser.run("document.getElementById('confusion-point').dispatchEvent(new Event('change'))")
        top = browser.run(state)
        # Points next to each other can have the same matrix.
        for _ in range(options):
            browser.press("ArrowDown")
            if browser.run(state) != top:
                break
        check(options < 2 or browser.run(state) != top, "another point has another confusion matrix")
        browser.run("""(() => { const s = document.getElementById('confusion-point');
            s.selectedIndex = [...s.options].findIndex((o) => o.defaultSelected);
            s.dispatchEvent(new Event('change')); })()""")
        check(browser.run(state) == start, "script and file say the same of the first point shown")


def without_script(browser, page, figures):
    """Figures, tables and downloads are there without the script."""
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    shown = browser.run("""[...document.querySelectorAll('figure')].filter((f) => f.querySelector('svg title')
        && f.querySelector('table') && f.querySelector('a[download]')).map((f) => f.id)""")
    check(shown == figures, f"without the script every figure says its values: {shown}")
    check(browser.run("!document.querySelector('.choice')?.checkVisibility()"), "no choice is offered that does nothing")


def paper(browser, keep):
    """On paper: white, without what only a screen can use, on several pages."""
    browser.media("print", "dark")
    check(browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", "paper is white")
    ink = browser.run("getComputedStyle(document.body).color")
    check(sum(int(part) for part in ink.strip("rgb()").split(",")) < 3 * 64, f"ink is dark: {ink}")
    for useless in ("nav", ".data", ".skip"):
        hidden = browser.run(f"![...document.querySelectorAll({useless!r})].some((e) => e.checkVisibility())")
        check(hidden, f"{useless} is not printed")
    answer = browser.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
    pdf = base64.b64decode(answer["data"])
    check(pdf.startswith(b"%PDF") and len(pdf) > 20_000, f"it prints: {len(pdf)} bytes")
    if keep:
        (keep / "print.pdf").write_bytes(pdf)
    browser.media("screen", "light")


def main():
    arguments = sys.argv[1:]
    keep = None
    if "--keep" in arguments:
        at = arguments.index("--keep")
        keep = pathlib.Path(arguments[at + 1])
        keep.mkdir(parents=True, exist_ok=True)
        del arguments[at:at + 2]
    if len(arguments) != 1:
        raise SystemExit(__doc__)
    folder = pathlib.Path(arguments[0]).resolve()
    page = (folder / "report.html").as_uri()
    browser = Chromium()
    try:
        browser.media()
        browser.size(1280, 900)
        browser.open(page)
        figures = structure(browser, folder)
        texts(browser, 1280)
        for scheme in ("light", "dark"):
            browser.media("screen", scheme)
            looks(browser, figures, scheme, keep)
            contrast(browser, scheme)
        browser.media("screen", "light")
        keyboard(browser)
        no_complaints(browser, page)
        fits(browser, 1280)
        for width in (500, 360):
            browser.size(width, 740)
            browser.open(page)
            browser.run("document.querySelector('.contents').open = true")
            texts(browser, width)
            for scheme in ("light", "dark"):
                browser.media("screen", scheme)
                fits(browser, width)
                contrast(browser, f"{width} px, {scheme}")
                if keep:
                    high = browser.run("document.documentElement.scrollHeight")
                    picture = browser.picture(0, 0, width, min(high, 16000))
                    (keep / f"{scheme}-{width}.png").write_bytes(picture)
            browser.media("screen", "light")
        browser.size(1280, 900)
        paper(browser, keep)
        without_script(browser, page, figures)
    finally:
        browser.close()
    if failures:
        raise SystemExit(f"{len(failures)} checks failed")
    print(f"{len(figures)} figures in {folder}: all checks passed")


if __name__ == "__main__":
    main()
