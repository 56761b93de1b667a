//! Globs that a user writes, with the meaning that they have in a `.gitignore`: without a slash
//! they match at any depth, with one from the root, and what matches a folder covers all below it.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// A list of globs.
#[derive(Debug, Clone)]
pub(super) struct Globs {
    set: GlobSet,
    /// The fixed folders that each begins with, for [`Globs::may_match_below`].
    prefixes: Vec<String>,
}

impl Globs {
    /// Compiles globs; the error is the one that is none, with the reason.
    pub(super) fn new<'g>(
        globs: impl IntoIterator<Item = &'g str>,
    ) -> Result<Self, (String, String)> {
        let mut set = GlobSetBuilder::new();
        let mut prefixes = Vec::new();
        let mut add = |glob: &str, pattern: &str| {
            let built =
                GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
            match built {
                Ok(built) => {
                    set.add(built);
                    Ok(())
                }
                Err(error) => Err((glob.to_owned(), error.kind().to_string())),
            }
        };
        for glob in globs {
            let bare = glob.strip_prefix("./").unwrap_or(glob).trim_end_matches('/');
            let from_root = bare.trim_end_matches("/**").contains('/');
            let bare = bare.trim_start_matches('/');
            let pattern = if from_root { bare.to_owned() } else { format!("**/{bare}") };
            add(glob, &pattern)?;
            if !pattern.ends_with("/**") {
                add(glob, &format!("{pattern}/**"))?;
            }
            let fixed =
                pattern.split('/').take_while(|part| !part.contains(['*', '?', '[', '{', '\\']));
            prefixes.push(fixed.collect::<Vec<_>>().join("/"));
        }
        let set = set.build().map_err(|error| {
            (error.glob().unwrap_or_default().to_owned(), error.kind().to_string())
        })?;
        Ok(Self { set, prefixes })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        self.set.is_match(path)
    }

    /// Whether one of them names the folder or something in it: then the folder is entered even
    /// where its own name says that it need not be. A glob for every depth (`*.js`) does not.
    pub(super) fn may_match_below(&self, folder: &str) -> bool {
        self.matches(folder)
            || self.prefixes.iter().any(|prefix| {
                prefix
                    .strip_prefix(folder)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn matches(glob: &str, path: &str) -> bool {
        Globs::new([glob]).unwrap().matches(path)
    }

    #[test]
    fn globs_mean_what_they_mean_to_git() {
        for (glob, path) in [
            ("*.gen.ts", "a/b/x.gen.ts"),
            ("legacy", "legacy/a.py"),
            ("legacy/", "app/legacy/b/a.py"),
            ("/legacy", "legacy/a.py"),
            ("src/legacy", "src/legacy/a.py"),
            ("src/**", "src/a.py"),
            ("src/*.py", "src/a.py"),
            ("./src/a.py", "src/a.py"),
            ("src/{a,b}", "src/b/c.py"),
        ] {
            assert!(matches(glob, path), "{glob} {path}");
        }
        for (glob, path) in [
            ("legacy", "legacy2/a.py"),
            ("src/legacy", "x/src/legacy/a.py"),
            ("src/*.py", "src/a/b.py"),
            ("/a.py", "src/a.py"),
        ] {
            assert!(!matches(glob, path), "{glob} {path}");
        }
    }

    #[test]
    fn globs_reach_into_the_folders_that_they_name() {
        let below = |glob: &str, folder: &str| Globs::new([glob]).unwrap().may_match_below(folder);
        assert!(
            below("vendor/mine/**", "vendor")
                && below("vendor", "vendor")
                && below("**/vendor/**", "a/vendor/b")
        );
        assert!(!below("*.js", "node_modules") && !below("vendors/a", "vendor"));
    }

    #[test]
    fn a_broken_glob_is_named() {
        assert_eq!(Globs::new(["ok", "a["]).unwrap_err().0, "a[");
    }
}
