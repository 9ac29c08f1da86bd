//! The notification service as a process of its own.

fn main() -> std::process::ExitCode {
    host::main(vec![notification::module()])
}
