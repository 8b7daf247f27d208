//! One JSON object a line, with stable names: `timestamp`, `level`, `message`, `target`, then the invocation's fields, those of the spans
//! around, and the line's own.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use serde::Serialize as _;
use serde::ser::{SerializeMap as _, Serializer as _};
use serde_json::Value;
use sluice_domain::time::UnixMillis;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::levels::Levels;
use crate::{field, invocation};

/// The target of the line that tells of a failed invocation; the kept lines follow it.
pub(crate) const FAILED: &str = "sluice_telemetry::failed";

/// A layer of `tracing` that writes JSON lines, and keeps the less important ones of an invocation until it fails.
#[derive(Debug)]
pub struct JsonLines<W> {
    out: W,
    now: fn() -> UnixMillis,
    levels: Levels,
}

impl<W> JsonLines<W> {
    /// Writes to `out`; `now` gives the time of a line.
    pub fn new(out: W, now: fn() -> UnixMillis, levels: Levels) -> Self {
        Self { out, now, levels }
    }

    fn is_written(&self, about: &Metadata<'_>) -> bool {
        about.target() == FAILED || self.levels.written.would_enable(about.target(), about.level())
    }

    fn is_kept(&self, about: &Metadata<'_>) -> bool {
        self.levels.kept.as_ref().is_some_and(|kept| kept.would_enable(about.target(), about.level()))
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn register_callsite(&self, about: &'static Metadata<'static>) -> Interest {
        if self.is_written(about) || self.is_kept(about) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, about: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.is_written(about) || self.is_kept(about)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let about = event.metadata();
        let mut fields = Fields::default();
        invocation::with_current(|current| current.describe(&mut |name, value| fields.set(name, value)));
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                outer.0.iter().for_each(|(name, value)| fields.set(name, value.clone()));
            }
        }
        event.record(&mut fields);
        let line = line((self.now)(), about, &mut fields);
        if !self.is_written(about) {
            // Outside an invocation nothing could fail, so nothing is kept.
            invocation::with_current(|current| current.keep(line));
            return;
        }
        self.write(about, &line);
        if about.target() == FAILED {
            invocation::with_current(|current| {
                current.take_kept().iter().for_each(|line| self.write(about, line));
            });
        }
    }
}

impl<W: for<'a> MakeWriter<'a>> JsonLines<W> {
    /// One write a line, so that lines of different threads never mix. A closed output must not stop an event, and there is nowhere
    /// left to report it.
    fn write(&self, about: &Metadata<'_>, line: &str) {
        let _ = self.out.make_writer_for(about).write_all(line.as_bytes());
    }
}

fn line(at: UnixMillis, about: &Metadata<'_>, fields: &mut Fields) -> String {
    let mut out = Vec::with_capacity(256);
    let mut writer = serde_json::Serializer::new(&mut out);
    let message = fields.take(field::MESSAGE).unwrap_or_else(|| Value::from(""));
    let written = writer.serialize_map(None).and_then(|mut map| {
        map.serialize_entry(field::TIMESTAMP, &at.to_string())?;
        map.serialize_entry(field::LEVEL, level(*about.level()))?;
        map.serialize_entry(field::MESSAGE, &message)?;
        map.serialize_entry(field::TARGET, about.target())?;
        for (name, value) in &fields.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    });
    // Strings and numbers always serialise into memory.
    debug_assert!(written.is_ok());
    out.push(b'\n');
    String::from_utf8(out).unwrap_or_default()
}

/// As Lambda spells them.
fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}

/// Names with values, in the order they came; a later value replaces an earlier one of the same name.
#[derive(Debug, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn set(&mut self, name: &'static str, value: Value) {
        // Names that a line has anyway can not be taken by a field.
        let name = match name {
            field::TIMESTAMP | field::LEVEL | field::TARGET => return,
            name => name.strip_prefix("r#").unwrap_or(name),
        };
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, earlier)) => *earlier = value,
            None => self.0.push((name, value)),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let place = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.remove(place).1)
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // Only a broken `Debug` fails; what it wrote until then stands.
        let _ = write!(text, "{value:?}");
        self.set(field.name(), text.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value.serialize(serde_json::value::Serializer).unwrap_or_default());
    }
}
