//! Starlette. Its applications and routers are read together with FastAPI's, which are Starlette's
//! too and hold each other.

use super::{Framework, Matching};
use crate::inventory::routes::pattern;
use crate::source::Language;

/// Starlette.
pub(super) const STARLETTE: Framework = Framework {
    name: NAME,
    languages: &[Language::Python],
    packages: &["starlette"],
    needs: &["starlette"],
    fixtures: &["starlette"],
    matching: Matching::First,
    has_user_object: true,
    read: |_, _| {},
    path: pattern::braces,
};

pub(super) const NAME: &str = "starlette";
