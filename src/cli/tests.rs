#![allow(clippy::unwrap_used)]

use clap::{CommandFactory as _, Parser as _};

use super::{COULD_NOT_RUN, Cli, GATE_FAILED, INCOMPLETE, PASSED, exit_status};
use crate::gate::{Status, verdict};

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_argument_and_subcommand_is_documented() {
    for command in Cli::command().get_subcommands() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
        }
    }
}

#[test]
fn the_exit_status_follows_the_gates_then_completeness() {
    let mut audit = audited();
    assert_eq!(exit_status(&audit, false), PASSED);

    audit.coverage.incomplete = true;
    assert_eq!(exit_status(&audit, false), INCOMPLETE);
    assert_eq!(exit_status(&audit, true), PASSED);
    audit.gates[0].status = Status::Fail;
    audit.verdict = verdict(&audit.gates);
    assert_eq!(exit_status(&audit, false), GATE_FAILED, "1 wins over 3");
    assert_eq!(exit_status(&audit, true), GATE_FAILED, "nothing hides a failed gate");

    let mut audit = audited();
    audit.gates[0].status = Status::NotEvaluated;
    audit.verdict = verdict(&audit.gates);
    assert_eq!(exit_status(&audit, false), INCOMPLETE, "a blocking gate could not be judged");

    let mut audit = audited();
    audit.coverage.analysed = 0;
    assert_eq!(exit_status(&audit, false), INCOMPLETE, "there was nothing to audit");
    audit.coverage.partly_read = 1;
    assert_eq!(exit_status(&audit, false), PASSED);
}

/// An audit that passed what blocks.
fn audited() -> crate::audit::Audit {
    let mut audit = crate::report::sample::audit();
    audit.coverage.analysed = 3;
    audit.coverage.partly_read = 0;
    audit.coverage.incomplete = false;
    for gate in audit.gates.iter_mut().filter(|gate| gate.blocks) {
        gate.status = Status::Pass;
    }
    audit.verdict = verdict(&audit.gates);
    audit
}

#[test]
fn wrong_arguments_end_with_2_and_say_what_is_allowed() {
    for (arguments, expected) in [
        (&["audit", "--fail-under", "101"][..], "from 0 to 100"),
        (&["audit", "--fail-under", "NaN"], "from 0 to 100"),
        (&["audit", "--fail-on", "hihg"], "high"),
        (&["audit", "-f", "pdf"], "markdown"),
        (&["audit", "--exclude", "a[", "."], "--exclude"),
        (&["audit", "--threads", "0"], "from 1 to"),
        (&["audit", "--config", "a", "--no-config"], "cannot be used with"),
        (&["audti"], "audit"),
    ] {
        let error = Cli::try_parse_from([&["readiness"], arguments].concat()).unwrap_err();
        assert_eq!(error.exit_code(), i32::from(COULD_NOT_RUN), "{arguments:?}");
        assert!(error.to_string().contains(expected), "{arguments:?}: {error}");
    }
}
