//! Conditions: minijinja expressions over the facts of [`super::Fact`] and what was found in the texts.

use std::sync::{Arc, LazyLock};

use minijinja::{Environment, Expression, UndefinedBehavior};

use super::memo::{Answer, KEY_BITS, Memo};
use super::slots::{Root, Slot, Slots, Snapshot};

/// The most characters of a condition.
pub(super) const LONGEST: usize = 1_000;
/// The deepest nesting of brackets.
pub(super) const DEEPEST: usize = 16;
/// The most steps of the interpreter for one evaluation: a condition has no loops, so a step stands for a word of it.
const MOST_STEPS: u64 = 2_000;

/// The environment of every condition: no functions, filters, tests or templates, and a name without a value is an error.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(MOST_STEPS));
    environment
});

/// Words that conditions may use beside the facts: severities.
pub(super) const LEVELS: [(&str, u8); 3] = [("low", 1), ("medium", 2), ("high", 3)];

/// Why a condition is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Nothing was written.
    #[error("condition is empty; write `true` for one that always holds")]
    Empty,
    /// More than anybody can read.
    #[error("condition has {0} characters, at most {LONGEST} are taken; split the rule")]
    TooLong(usize),
    /// Brackets in brackets.
    #[error("condition nests brackets more than {DEEPEST} deep; split the rule")]
    TooDeep,
    /// A character that would make texts or lists grow, or that has no meaning here.
    #[error(
        "condition may not use `{0}`: there are and, or, not, in, ==, !=, <, <=, >, >=, brackets, names, numbers and quoted texts"
    )]
    Character(char),
    /// It does not parse.
    #[error("condition does not parse: {0}")]
    Syntax(String),
    /// A name that is no fact.
    #[error("condition names `{name}`, which does not exist; {advice}")]
    UnknownName {
        /// The name.
        name: String,
        /// What there is.
        advice: String,
    },
}

/// A compiled condition.
pub(super) struct Condition {
    source: String,
    expression: Expression<'static, 'static>,
    /// What it names: places in [`Slots`], in order.
    pub(super) slots: Vec<usize>,
    /// The bits of each name's value; `None` when there are too many, or a text is among them.
    widths: Option<Vec<u32>>,
    memo: Memo,
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Condition({})", self.source)
    }
}

impl Condition {
    /// Compiles a condition; what it names is added to the slots.
    pub(super) fn compile(source: &str, slots: &mut Slots) -> Result<Self, ExpressionError> {
        check_characters(source)?;
        let expression = ENVIRONMENT
            .compile_expression_owned(source.to_owned())
            .map_err(|error| ExpressionError::Syntax(syntax(&error)))?;
        let mut names: Vec<String> = expression.undeclared_variables(true).into_iter().collect();
        names.sort();
        let mut used = Vec::new();
        for name in names {
            if LEVELS.iter().any(|(level, _)| *level == name) {
                continue;
            }
            match slots.take(&name) {
                Ok(slot) => used.push(slot),
                Err(advice) => return Err(ExpressionError::UnknownName { name, advice }),
            }
        }
        let widths: Option<Vec<u32>> =
            used.iter().map(|slot| slots.get(*slot).and_then(Slot::bits)).collect();
        let widths = widths.filter(|widths| widths.iter().sum::<u32>() <= KEY_BITS);
        Ok(Self { source: source.to_owned(), expression, slots: used, widths, memo: Memo::new() })
    }

    /// As it was written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Does it hold?
    pub(super) fn ask(&self, slots: &Arc<Slots>, snapshot: &Snapshot) -> Answer {
        let Some(key) = self.key(snapshot) else {
            return self.evaluate(slots, snapshot).unwrap_or(Answer::Failed);
        };
        if let Some(known) = self.memo.get(key) {
            return known;
        }
        let answer = self.evaluate(slots, snapshot).unwrap_or(Answer::Failed);
        self.memo.put(key, answer);
        answer
    }

    /// Why it failed, in the interpreter's words; they repeat no value.
    pub(super) fn failure(&self, slots: &Arc<Slots>, snapshot: &Snapshot) -> Option<String> {
        self.evaluate(slots, snapshot).err()
    }

    fn key(&self, snapshot: &Snapshot) -> Option<u64> {
        let widths = self.widths.as_ref()?;
        let mut key = 0;
        for (slot, width) in self.slots.iter().zip(widths) {
            key = (key << width) | u64::from(snapshot.code(*slot));
        }
        Some(key)
    }

    fn evaluate(&self, slots: &Arc<Slots>, snapshot: &Snapshot) -> Result<Answer, String> {
        let root = Root::value(slots, snapshot);
        let value = self.expression.eval(root).map_err(|error| error.kind().to_string())?;
        if value.is_undefined() {
            return Err("the condition has no value".to_owned());
        }
        Ok(if value.is_true() { Answer::Yes } else { Answer::No })
    }
}

/// Bounds what can be written before it is parsed. Nothing that is left makes a value grow: `*`, `~`, `+`, `|` and `{` are gone.
fn check_characters(source: &str) -> Result<(), ExpressionError> {
    let length = source.chars().count();
    if source.trim().is_empty() {
        return Err(ExpressionError::Empty);
    }
    if length > LONGEST {
        return Err(ExpressionError::TooLong(length));
    }
    let (mut quote, mut depth) = (None, 0_usize);
    for char in source.chars() {
        match (quote, char) {
            (_, '\\') => return Err(ExpressionError::Character(char)),
            (Some(open), _) => {
                if char == open {
                    quote = None;
                }
            }
            (None, '"' | '\'') => quote = Some(char),
            (None, '(' | '[') => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(ExpressionError::TooDeep);
                }
            }
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            (None, '_' | '.' | ',' | '=' | '!' | '<' | '>') => {}
            (None, _) if char.is_ascii_alphanumeric() || char.is_ascii_whitespace() => {}
            (None, _) => return Err(ExpressionError::Character(char)),
        }
    }
    Ok(())
}

fn syntax(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// The texts in quotes that a condition compares with.
pub(super) fn quoted(source: &str) -> Vec<String> {
    let (mut found, mut open): (Vec<String>, Option<(char, String)>) = (Vec::new(), None);
    for char in source.chars() {
        open = match open.take() {
            Some((quote, text)) if char == quote => {
                found.push(text);
                None
            }
            Some((quote, mut text)) => {
                text.push(char);
                Some((quote, text))
            }
            None if matches!(char, '"' | '\'') => Some((char, String::new())),
            None => None,
        };
    }
    found.sort();
    found.dedup();
    found
}
