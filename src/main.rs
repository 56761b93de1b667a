//! The command.

fn main() -> std::process::ExitCode {
    #[cfg(debug_assertions)]
    if let Some(code) = readiness::scan::worker::as_child(readiness::scan::faults::build) {
        return code;
    }
    std::process::ExitCode::SUCCESS
}
