//! The route that a call was perhaps meant for, where none answers it.

use super::address::without_names;
use super::segments::{self, answers};
use super::{Landing, Nearest};
use crate::inventory::routes::Route;

/// Segments that most paths of an API have, so that sharing them means nothing.
const COMMON: &[&str] = &["api", "rest", "v1", "v2", "v3", "v4"];

/// The most that a path and a route may differ, in segments times ten.
const MAX_DISTANCE: usize = 10;

/// The nearest route, if any is near.
#[must_use]
pub fn to(path: &str, method: Option<&str>, routes: &[&Route]) -> Option<Nearest> {
    let given = segments::split(path);
    let near = routes
        .iter()
        .filter_map(|route| {
            let own = segments::split(&route.path);
            if !ends_alike(&given, &own) {
                return None;
            }
            let distance = distance(&given, &own)?;
            Some((distance, !answers(route, method), *route))
        })
        .min_by(|a, b| (a.0, a.1, &a.2.path).cmp(&(b.0, b.1, &b.2.path)))?;
    let (_, _, route) = near;
    let edit = format!("ask for `{}` instead of `{path}`", without_names(&route.path));
    Some(Nearest { route: Landing::on(route), asked: path.to_owned(), edit })
}

/// Whether a path and a route ask for the same kind of thing, which the last name tells. Where the
/// route has a parameter in its place, it is refused by its type.
fn ends_alike(given: &[&str], own: &[&str]) -> bool {
    let given_last = given.iter().rposition(|segment| !segment.contains("{}"));
    let own_last = own.iter().rposition(|segment| !segment.contains('{'));
    let (Some(given_last), Some(own_last)) = (given_last, own_last) else { return false };
    is_spelled_alike(given[given_last], own[own_last])
        || given.len() == own.len() && own[given_last].contains('{')
}

/// How far a path is from a route, in tenths of a segment; `None` where they have nothing in
/// common, or are too far apart.
fn distance(given: &[&str], own: &[&str]) -> Option<usize> {
    if given.len().abs_diff(own.len()) > 1 {
        return None;
    }
    // The distance of Levenshtein over segments, with a price for each pair.
    let mut before: Vec<usize> = (0..=own.len()).map(|at| at * 10).collect();
    for (row, segment) in given.iter().enumerate() {
        let mut now = vec![(row + 1) * 10];
        for (column, wanted) in own.iter().enumerate() {
            let changed = before[column] + price(segment, wanted);
            let removed = before[column + 1] + 10;
            let added = now[column] + 10;
            now.push(changed.min(removed).min(added));
        }
        before = now;
    }
    let distance = before.last().copied()?;
    let is_shared = |segment: &&&str| {
        !COMMON.contains(*segment)
            && !segment.contains("{}")
            && own.iter().any(|wanted| !wanted.contains('{') && price(segment, wanted) < 5)
    };
    (distance <= MAX_DISTANCE && given.iter().any(|segment| is_shared(&segment)))
        .then_some(distance)
}

/// What it costs to write one segment for another.
fn price(segment: &str, wanted: &str) -> usize {
    let is_parameter = wanted.contains('{');
    if segment == wanted || segment.contains("{}") && is_parameter {
        0
    } else if is_parameter {
        6
    } else if segment.contains("{}") {
        10
    } else if is_spelled_alike(segment, wanted) {
        3
    } else {
        10
    }
}

/// Whether two names differ by their case, by marks between words, by number or by a letter.
fn is_spelled_alike(a: &str, b: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let (a, b) = (plain(a), plain(b));
    let stem = |text: &str| text.strip_suffix('s').unwrap_or(text).to_owned();
    a == b || stem(&a) == stem(&b) || a.len() > 4 && b.len() > 4 && is_one_letter_off(&a, &b)
}

fn is_one_letter_off(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (&a[same..], &b[same..]);
    let skip = |rest: &[char], count: usize| rest.get(count..).map(<[char]>::to_vec);
    skip(rest_a, 1) == skip(rest_b, 1)
        || skip(rest_a, 1).is_some_and(|rest| rest == rest_b)
        || skip(rest_b, 1).is_some_and(|rest| rest == rest_a)
}
