//! Templates, parsed once, and rendered within bounds.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use minijinja::{Environment, Error, UndefinedBehavior, Value};

/// What one rendering may execute: a loop over a form's labels is hundreds of steps, and nothing honest is thousands.
const FUEL: u64 = 20_000;
/// The most bytes of one rendered template: no channel takes half of it.
pub(super) const LONGEST: usize = 256 * 1_024;

/// The templates of a script, by their place in it.
#[derive(Clone, Default)]
pub(super) struct Compiled(Arc<OnceLock<Environment<'static>>>);

/// It is made of the templates beside it, so it makes no difference.
impl PartialEq for Compiled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Compiled {}

impl fmt::Debug for Compiled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Compiled")
    }
}

impl Compiled {
    /// Renders the template of this name and source; `all` is every template of the script, for the first time.
    pub(super) fn render<'a>(
        &self,
        (name, source): (&str, &str),
        all: impl Iterator<Item = (String, &'a String)>,
        values: Value,
    ) -> Result<String, Error> {
        if self.0.get().is_none() {
            let mut environment = empty();
            for (name, source) in all {
                environment.add_template_owned(name, source.clone())?;
            }
            // Another thread's is as good.
            let _ = self.0.set(environment);
        }
        match self.0.get().and_then(|environment| environment.get_template(name).ok()) {
            Some(template) if template.source() == source => write(&template, values),
            // The script was changed after it was compiled.
            _ => {
                let environment = empty();
                let template = environment.template_from_str(source)?;
                write(&template, values)
            }
        }
    }
}

fn empty<'a>() -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
}

fn write(template: &minijinja::Template<'_, '_>, values: Value) -> Result<String, Error> {
    let mut bounded = Bounded(Vec::new());
    template.render_captured_to(values, &mut bounded)?;
    Ok(String::from_utf8_lossy(&bounded.0).into_owned())
}

/// Takes so much and no more.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
