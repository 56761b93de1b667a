//! The projects in `fixtures/routes/`, one for each web framework: the table beside each was
//! printed by the framework itself, and ours has to equal it.
//!
//! A line of `routes.txt` is method, path, auth, place, and marks. Where the inventory cannot know
//! what the framework knows, the line says so with a mark of its own: `said:unknown` (an auth that
//! is said instead), `said:absent` (a route that is not found), `said:extra` (one that is found
//! and should not be). So the table stays true, and each difference is one that somebody chose.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use readiness::audit::Audit;
use readiness::inventory::routes::readers::FRAMEWORKS;
use serde_json::from_str;

use crate::cli::readiness;
use crate::fixture::project_folder;

/// What a table says of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    auth: String,
    place: String,
    marks: Vec<String>,
}

type Table = BTreeMap<(String, String), Row>;

fn fixtures() -> Vec<PathBuf> {
    let mut out: Vec<_> = fs::read_dir(project_folder().join("fixtures/routes"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    out.sort();
    out
}

fn name(fixture: &std::path::Path) -> String {
    fixture.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The table of a fixture: the truth, and what the inventory is known to say instead.
fn expected(fixture: &std::path::Path) -> (Table, Table) {
    let text = fs::read_to_string(fixture.join("routes.txt")).unwrap();
    let (mut truth, mut said) = (Table::new(), Table::new());
    for line in
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [method, path, auth, place, marks @ ..] = columns.as_slice() else {
            panic!("{}: {line}", fixture.display());
        };
        let key = ((*method).to_owned(), (*path).to_owned());
        let (instead, mut marks): (Vec<&str>, Vec<&str>) =
            marks.iter().partition(|mark| mark.starts_with("said:"));
        marks.sort_unstable();
        let row = Row {
            auth: (*auth).to_owned(),
            place: (*place).to_owned(),
            marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
        };
        match instead.first().and_then(|said| said.strip_prefix("said:")) {
            Some("extra") => {
                said.insert(key, row);
            }
            Some("absent") => {
                truth.insert(key, row);
            }
            Some(auth) => {
                said.insert(key.clone(), Row { auth: auth.to_owned(), ..row.clone() });
                truth.insert(key, row);
            }
            None => {
                said.insert(key.clone(), row.clone());
                truth.insert(key, row);
            }
        }
    }
    (truth, said)
}

fn found(fixture: &std::path::Path) -> Table {
    let run = readiness(fixture, &["audit", ".", "--no-config", "-f", "json", "--quiet"]);
    let mut audit: Audit =
        from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
    // Of two that a framework finds for one request, the table has the one that answers.
    audit.routes.sort_by_key(|route| route.shadowed_by.is_some());
    let mut out = Table::new();
    for route in audit.routes {
        let marks = [
            ("conditional", route.conditional),
            ("longer", route.takes_longer),
            ("stub", route.stub.is_some()),
            ("unmounted", !route.mounted),
            ("unresolved", !route.resolved),
        ];
        let row = Row {
            auth: route.auth.state.to_string(),
            place: format!("{}:{}", route.file, route.line),
            marks: marks
                .iter()
                .filter(|(_, set)| *set)
                .map(|(mark, _)| (*mark).to_owned())
                .collect(),
        };
        let methods = if route.methods.is_empty() { vec!["ANY".to_owned()] } else { route.methods };
        for method in methods {
            for path in std::iter::once(&route.path).chain(&route.otherwise) {
                out.entry((method.clone(), path.clone())).or_insert_with(|| row.clone());
            }
        }
    }
    out
}

/// Which fixtures belong to frameworks that are read.
fn is_read(fixture: &std::path::Path) -> bool {
    let name = name(fixture);
    FRAMEWORKS.iter().any(|framework| framework.fixtures.contains(&name.as_str()))
}

#[test]
fn every_table_equals_what_the_framework_printed() {
    let mut differences = String::new();
    for fixture in fixtures().iter().filter(|fixture| is_read(fixture)) {
        let (_, said) = expected(fixture);
        let found = found(fixture);
        let show = |key: &(String, String), row: &Row| {
            format!("{} {} {} {} {}", key.0, key.1, row.auth, row.place, row.marks.join(" "))
        };
        for (key, row) in &said {
            if found.get(key) != Some(row) {
                differences += &format!("{}: - {}\n", name(fixture), show(key, row));
            }
        }
        for (key, row) in &found {
            if said.get(key) != Some(row) {
                differences += &format!("{}: + {}\n", name(fixture), show(key, row));
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn nobody_is_told_that_an_open_route_is_closed() {
    for fixture in fixtures().iter().filter(|fixture| is_read(fixture)) {
        let (truth, said) = expected(fixture);
        for (key, row) in &said {
            let open = truth
                .get(key)
                .is_some_and(|truth| matches!(truth.auth.as_str(), "none" | "optional"));
            assert!(!(open && row.auth == "required"), "{}: {key:?}", name(fixture));
        }
    }
}

#[test]
fn every_framework_has_a_table_and_every_table_a_framework() {
    let folders: Vec<_> = fixtures().iter().map(|fixture| name(fixture)).collect();
    for framework in FRAMEWORKS {
        for fixture in framework.fixtures {
            assert!(folders.iter().any(|folder| folder == fixture), "{fixture} is missing");
        }
    }
}
