//! Arguments in, exit status out; everything else is [`readiness::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    readiness::cli::main()
}
