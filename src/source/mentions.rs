//! What a file mentions that may be a route: quoted paths, and the names that it asks for paths by.
//! It is read from the text, so that tests need not be parsed.

use std::collections::BTreeSet;

/// The most mentions of one file.
const MAX_MENTIONS: usize = 4_000;
/// The longest mention, in bytes.
const MAX_LENGTH: usize = 200;
/// Functions that give the path of a named route.
const BY_NAME: &[&str] =
    &["reverse(", "url_for(", "url_path_for(", "reverse_lazy(", "resolve_url("];

/// What only scripts say that put a load on a server.
const LOAD: &[&str] = &["k6/http", "from locust", "import locust", "require('autocannon')"];

/// Suffixes of pages whose language nobody parses.
const PAGES: &[&str] = &[".jsx", ".pug", ".ejs", ".hbs", ".handlebars", ".njk", ".twig", ".astro"];

/// Whether a file is a page by its name, whatever its language.
#[must_use]
pub fn is_page(path: &str) -> bool {
    PAGES.iter().any(|suffix| path.ends_with(suffix))
}

/// Whether a text is a script that puts a load on a server.
#[must_use]
pub fn is_load_script(text: &str) -> bool {
    LOAD.iter().any(|mark| text.contains(mark))
}

/// What only lines say that send a browser elsewhere.
const SENDING: &[&str] = &["location", "window.open", "href", "redirect", "navigate"];

/// The mentions of the lines that send a browser elsewhere, and of the names by which paths are
/// asked for: what a text that is no page says of pages.
#[must_use]
pub fn links(text: &str) -> Vec<String> {
    let mut out = BTreeSet::new();
    for line in text.lines() {
        out.extend(names(line).map(str::to_owned));
        if SENDING.iter().any(|word| line.contains(word)) {
            let paths = quotes(line).filter(|text| text.len() <= MAX_LENGTH && is_path(text));
            out.extend(paths.map(without_holes));
        }
        if out.len() >= MAX_MENTIONS {
            break;
        }
    }
    out.into_iter().collect()
}

/// The mentions of a text.
#[must_use]
pub fn of(text: &str) -> Vec<String> {
    let mut out = BTreeSet::new();
    for line in text.lines() {
        if !line.contains(['"', '\'', '`']) {
            continue;
        }
        let by_name = BY_NAME.iter().any(|function| line.contains(function));
        out.extend(names(line).map(str::to_owned));
        for quoted in quotes(line) {
            if out.len() >= MAX_MENTIONS {
                return out.into_iter().collect();
            }
            if quoted.len() <= MAX_LENGTH && (by_name || is_path(quoted)) {
                out.insert(without_holes(quoted));
            }
        }
    }
    out.into_iter().collect()
}

/// The names in a line by which paths are asked for, also within the quotes of an attribute.
fn names(line: &str) -> impl Iterator<Item = &str> {
    BY_NAME.iter().chain(&["{% url "]).flat_map(move |function| {
        line.match_indices(function).filter_map(move |(at, _)| {
            let rest = line[at + function.len()..].trim_start();
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            rest[1..].split_once(quote).map(|(name, _)| name)
        })
    })
}

fn is_path(text: &str) -> bool {
    text.contains('/') && !text.contains(' ')
}

/// The texts between quotes on one line.
fn quotes(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let start = rest.find(['"', '\'', '`'])?;
        let quote = rest[start..].chars().next()?;
        let inner = &rest[start + 1..];
        let mut escaped = false;
        let end = inner.char_indices().find_map(|(at, c)| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            ends.then_some(at)
        });
        match end {
            Some(end) => {
                rest = &inner[end + 1..];
                Some(&inner[..end])
            }
            // It goes on in the next line; what there is may still tell.
            None => {
                rest = "";
                Some(inner)
            }
        }
    })
}

/// Interpolations as `{}`.
fn without_holes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '$' if chars.peek() == Some(&'{') => {}
            '{' => {
                let mut depth = 1;
                for inner in chars.by_ref() {
                    depth += i32::from(inner == '{') - i32::from(inner == '}');
                    if depth == 0 {
                        break;
                    }
                }
                out.push_str("{}");
            }
            '%' if chars.peek().is_some_and(|next| matches!(next, 's' | 'd')) => {
                chars.next();
                out.push_str("{}");
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn names_within_the_quotes_of_an_attribute_are_kept() {
        let text =
            "<a href=\"{{ url_for('desk.open') }}\">\n<form action='{% url \"shop:pay\" 3 %}'>\n";
        assert_eq!(of(text), ["desk.open", "shop:pay", "{}"]);
    }

    #[test]
    fn of_other_texts_only_what_sends_a_browser_elsewhere_is_kept() {
        let text =
            "app.get('/a', h)\nlocation.href = '/b'\nwindow.open(`/c/${id}`)\nurl_for('d')\n";
        assert_eq!(super::links(text), ["/b", "/c/{}", "d"]);
    }

    #[test]
    fn paths_and_names_are_kept_and_prose_is_not() {
        let text = "r = client.get(f\"/api/items/{item.id}\", headers={'a': 'b c/d'})\n\
                    reverse('shop:cart') + 'x'\nfetch(`${base}/orders`)\nlog('not a path')\n\
                    url = '/x/%s' % 'y'\n";
        assert_eq!(of(text), ["/api/items/{}", "/x/{}", "shop:cart", "x", "{}/orders"]);
    }
}
