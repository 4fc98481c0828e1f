//! The `lightloom` command.

fn main() -> std::process::ExitCode {
    lightloom::cli::main()
}
