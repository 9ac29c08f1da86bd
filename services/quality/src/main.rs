//! The quality service as a process of its own.

fn main() -> std::process::ExitCode {
    host::main(vec![quality::module()])
}
