//! Linking works on file facts alone: whatever remembers or moves them loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::Path;

use readiness::config::Config;
use readiness::inventory;
use readiness::inventory::Need;
use readiness::module::Module;
use readiness::rules::RuleBook;
use readiness::scan::{self, Isolation, Job, Plan};
use readiness::{assemble, walk};

type Facts = BTreeMap<String, (Need, Module)>;

/// A tree whose files are scanned in this process.
struct Project {
    plan: Plan,
    jobs: Vec<Job>,
    known: BTreeSet<String>,
}

impl Project {
    fn open(root: &Path) -> Self {
        let config = Config::default();
        let book = RuleBook::load(&config).unwrap();
        let walk = walk::walk(root, &assemble::walk_options(&config, None)).unwrap();
        let known = walk.jobs.iter().map(|job| job.path.clone()).collect();
        Self { plan: assemble::plan(&walk, &book, &config), jobs: walk.jobs, known }
    }

    fn facts(&self, jobs: &[Job]) -> Facts {
        let isolation = Isolation::InProcess(scan::steps::build);
        assemble::take_facts(&mut scan::run(&isolation, &self.plan, jobs, &|_| {}).unwrap())
    }

    /// The route inventory as a report holds it, of facts that `pass` has had in its hands.
    fn routes(&self, pass: impl Fn(Facts) -> Facts + Sync) -> String {
        let fetch = |paths: &[String]| {
            let wanted = self.jobs.iter().filter(|job| paths.contains(&job.path));
            let jobs: Vec<Job> =
                wanted.map(|job| Job { facts_only: true, ..job.clone() }).collect();
            Ok::<_, Infallible>(pass(self.facts(&jobs)))
        };
        let facts = pass(self.facts(&self.jobs));
        let linked = inventory::link(facts, &self.known, false, fetch, |_| Vec::new()).unwrap();
        assert!(linked.notes.is_empty(), "{:?}", linked.notes);
        serde_json::to_string(&linked.routes).unwrap()
    }
}

fn there_and_back(facts: Facts) -> Facts {
    let bytes = postcard::to_stdvec(&facts).unwrap();
    let back: Facts = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(postcard::to_stdvec(&back).unwrap(), bytes);
    back
}

#[test]
fn serialised_facts_link_to_the_same_routes() {
    let project = Project::open(Path::new("fixtures/shop"));
    let routes = project.routes(|facts| facts);
    assert_eq!(project.routes(there_and_back), routes);
    // Each framework of the fixture is linked, so an inventory that lost one would be noticed.
    for framework in ["flask", "fastapi", "express"] {
        assert!(
            routes.contains(&format!("\"framework\":\"{framework}\"")),
            "{framework}: {routes}"
        );
    }
}

/// Facts are nearly whole modules, in which every node carries its place: a file's take one and a
/// half times the bytes of its source. What keeps a project's facts small is that few files have
/// any, and this test keeps them from growing.
#[test]
fn facts_are_at_most_twice_as_large_as_their_sources() {
    let root = Path::new("fixtures/shop");
    let project = Project::open(root);
    let facts = project.facts(&project.jobs);
    let sources: u64 = facts.keys().map(|path| root.join(path).metadata().unwrap().len()).sum();
    let bytes = postcard::to_stdvec(&facts).unwrap().len() as u64;
    assert!(bytes < 2 * sources, "{bytes} bytes of facts from {sources} bytes of source");
}
