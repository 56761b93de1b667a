//! The guard in front of syn.
//!
//! syn parses by recursion, so deeply nested input overflows the stack, which no `catch_unwind`
//! sees. The lexer of `proc_macro2` is iterative; this guard walks its token tree with an explicit
//! stack and refuses what syn might not survive on a stack of [`crate::limits::PARSE_STACK`]
//! (HOSTILE.md 2a). It is a heuristic that makes crashes rare; the scanner process is the net
//! below it.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree, token_stream};

use crate::limits::Limits;

/// What exceeded a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// Groups nested deeper than [`Limits::rust_group_depth`].
    Groups,
    /// A path longer than [`Limits::rust_path_length`].
    Path,
}

/// Refuses token streams that might overflow syn's stack.
///
/// A *path* is what can make syn recurse at one place: the tokens since the last separator, summed
/// over all groups that are open there. Counting per group would let 120 times `!!!…(` through.
pub(super) fn check(tokens: &TokenStream, limits: &Limits) -> Result<(), Excess> {
    let mut open = vec![Level::new(tokens.clone(), 0)];
    while let Some(level) = open.last_mut() {
        let Some(token) = level.tokens.next() else {
            open.pop();
            continue;
        };
        level.pass(&token);
        let path = level.before.saturating_add(level.run);
        if path > limits.rust_path_length {
            return Err(Excess::Path);
        }
        if let TokenTree::Group(group) = token {
            if open.len() as u64 > u64::from(limits.rust_group_depth) {
                return Err(Excess::Groups);
            }
            open.push(Level::new(group.stream(), path));
        }
    }
    Ok(())
}

/// An open group.
struct Level {
    tokens: token_stream::IntoIter,
    /// Length of the path up to this group.
    before: u32,
    /// Tokens since the last separator of this group.
    run: u32,
    /// `run` at each `<` that is not closed yet: a comma between angle brackets separates
    /// arguments of something that is itself still open, as in `V<a, V<a, V<a, …`.
    angles: Vec<u32>,
    /// `run` at the `|` that opened the parameters of a closure, for the same reason.
    pipe: Option<u32>,
    last: Last,
}

/// What the token before was, as far as it changes the meaning of the next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// A brace group; whether it ended a statement depends on what follows.
    Brace,
    /// A literal or another group: a `<` behind it compares or shifts.
    Operand,
    /// A `<` that opens nothing, joined to the next character.
    Shift,
    /// Any other punctuation character joined to the next one.
    Joint(char),
    Other,
}

impl Level {
    fn new(tokens: TokenStream, before: u32) -> Self {
        Self {
            tokens: tokens.into_iter(),
            before,
            run: 0,
            angles: Vec::new(),
            pipe: None,
            last: Last::Other,
        }
    }

    fn pass(&mut self, token: &TokenTree) {
        if self.last == Last::Brace && begins_statement(token) {
            self.reset();
        }
        self.run += 1;
        let before = std::mem::replace(&mut self.last, Last::Other);
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                self.last = Last::Brace;
            }
            TokenTree::Group(_) | TokenTree::Literal(_) => self.last = Last::Operand,
            TokenTree::Ident(_) => {}
            TokenTree::Punct(punct) => {
                let character = punct.as_char();
                self.pass_punctuation(character, before);
                if punct.spacing() == Spacing::Joint {
                    let shift = character == '<' && before == Last::Operand;
                    self.last = if shift { Last::Shift } else { Last::Joint(character) };
                }
            }
        }
    }

    fn pass_punctuation(&mut self, character: char, before: Last) {
        match character {
            ';' => self.reset(),
            ',' => {
                let angle = self.angles.last().copied().unwrap_or(0);
                self.run = angle.max(self.pipe.unwrap_or(0));
            }
            // Behind a name, `<<` may be a shift, or a generic argument that begins with a
            // qualified path: `V<<a as b>::c, V<<a as b>::c, …`.
            '<' if before != Last::Operand && before != Last::Shift => {
                self.angles.push(self.run);
            }
            '>' if before != Last::Joint('-') && before != Last::Joint('=') => {
                self.angles.pop();
            }
            '|' => {
                self.pipe = match self.pipe {
                    None => Some(self.run),
                    Some(_) => None,
                };
            }
            _ => {}
        }
    }

    fn reset(&mut self) {
        self.run = 0;
        self.angles.clear();
        self.pipe = None;
    }
}

/// Whether a token behind a brace group cannot continue an expression that the group belongs to.
/// Anything may follow `x = {}` as an operand of the same chain, so `= {} = {} = {} …` must not
/// look like statements.
fn begins_statement(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => ident != "as" && ident != "else",
        TokenTree::Literal(_) => true,
        TokenTree::Punct(punct) => matches!(punct.as_char(), '#' | '\''),
        TokenTree::Group(_) => false,
    }
}
