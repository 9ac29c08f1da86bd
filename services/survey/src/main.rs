//! The survey service as a process of its own.

fn main() -> std::process::ExitCode {
    host::main(vec![survey::module()])
}
