"""docs/torch.md: what it shows is what it prints."""

from test_page import check_page


def test_the_page_of_pytorch_prints_what_it_shows() -> None:
    check_page("torch.md", ["python", "prints"] * 4)
