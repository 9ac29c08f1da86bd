//! The smallest service, as a program: `cargo run --package kefu-testkit --example notes -- serve`.

#[path = "../tests/it/notes.rs"]
mod notes;

fn main() -> std::process::ExitCode {
    host::main(vec![notes::module()])
}
