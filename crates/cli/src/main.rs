//! The `deskferry` binary: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    deskferry_cli::main()
}
