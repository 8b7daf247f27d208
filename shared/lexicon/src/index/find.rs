//! Matching: candidates by the first two units, then level by level.

use super::format::{self, block, code, line, link};
use super::units::{Unit, Units};
use super::{IndexError, Line, View};

use zerocopy::little_endian::U32;

/// Candidates that go down together: enough misses to overlap, few enough to stop soon after a first hit.
const CHUNK: usize = 128;

/// Which matches are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every match, by start, then by end.
    Overlapping,
    /// Of matches that overlap, the one that begins first; of those, the longest.
    LeftmostLongest,
    /// Only whether there is any: some matches around the first.
    Any,
}

/// A word in a text, in units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Match {
    /// The first unit.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// The tag the word was given.
    pub tag: u16,
}

/// Memory that is used again from text to text.
#[derive(Debug, Default)]
pub struct Scratch {
    units: Vec<Unit>,
    places: Vec<u32>,
    matches: Vec<Match>,
    loads: Loads,
    steps: u64,
}

impl Scratch {
    /// Steps of the last search: candidates times levels. A test pins it, see `LONGEST_WORD`.
    pub fn steps(&self) -> u64 {
        self.steps
    }
}

/// A candidate that goes on.
#[derive(Debug, Clone, Copy, Default)]
struct Candidate {
    start: u32,
    link: u32,
}

/// A chunk, with what its candidates need from the index: all loads of a level are made before any is used, so that none waits for another.
#[derive(Debug)]
struct Loads {
    candidates: [Candidate; CHUNK],
    /// Key and hash.
    wanted: [(u32, u32); CHUNK],
    /// The keys of the line where it must be.
    keys: [[u32; line::ENTRIES]; CHUNK],
    /// Words of two units.
    ended: [Match; CHUNK],
    /// What is not in the line where it must be, but may be in the next: start, key, hash.
    further: [(u32, u32, u32); CHUNK],
    headers: [u32; CHUNK],
}

impl Default for Loads {
    fn default() -> Self {
        Self {
            candidates: [Candidate::default(); CHUNK],
            wanted: [(0, 0); CHUNK],
            keys: [[0; line::ENTRIES]; CHUNK],
            ended: [Match::default(); CHUNK],
            further: [(0, 0, 0); CHUNK],
            headers: [0; CHUNK],
        }
    }
}

/// Where a step led.
enum Step {
    /// Nowhere.
    Lost,
    /// A word ended and nothing goes on.
    Ended(u16),
    /// A word ended so many units further on.
    EndedAfter(u16, usize),
    /// On.
    On(u32),
}

impl<'a> View<'a> {
    /// Folds a text and finds the words in it.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when a look-up leaves the index; what was found before is not given.
    pub fn find<'s>(
        &self,
        text: &'s str,
        mode: Mode,
        scratch: &'s mut Scratch,
    ) -> Result<(Units<'s>, &'s [Match]), IndexError>
    where
        'a: 's,
    {
        let Scratch { units, places, matches, loads, steps } = scratch;
        let count = self.fold(text, units);
        let units = units.get(..count).ok_or(IndexError::Damaged { section: "expansions" })?;
        let passed = self.filter(units, places);
        let mut search = Search { view: self, units, matches, steps: 0 };
        let found = search.run(mode, places.get(..passed).unwrap_or_default(), loads);
        *steps = search.steps;
        found.ok_or(IndexError::Damaged { section: "pool" })?;
        Ok((Units::new(text, units, *self), matches))
    }

    /// Only folds a text.
    ///
    /// # Errors
    /// As [`View::find`].
    pub fn units<'s>(&self, text: &'s str, scratch: &'s mut Scratch) -> Result<Units<'s>, IndexError>
    where
        'a: 's,
    {
        let count = self.fold(text, &mut scratch.units);
        let units = scratch.units.get(..count).ok_or(IndexError::Damaged { section: "expansions" })?;
        Ok(Units::new(text, units, *self))
    }

    /// As [`View::find`], in units that were folded before and then changed, such as without their repetitions.
    ///
    /// # Errors
    /// As there.
    pub fn find_in(&self, units: &[Unit], mode: Mode, matches: &mut Vec<Match>) -> Result<(), IndexError> {
        let (mut places, mut loads) = (Vec::new(), Loads::default());
        let passed = self.filter(units, &mut places);
        let mut search = Search { view: self, units, matches, steps: 0 };
        search
            .run(mode, places.get(..passed).unwrap_or_default(), &mut loads)
            .ok_or(IndexError::Damaged { section: "pool" })
    }
}

struct Search<'a, 's> {
    view: &'s View<'a>,
    units: &'s [Unit],
    matches: &'s mut Vec<Match>,
    steps: u64,
}

impl Search<'_, '_> {
    /// `None` when a look-up leaves the index.
    fn run(&mut self, mode: Mode, places: &[u32], loads: &mut Loads) -> Option<()> {
        self.matches.clear();
        let (mut covered, mut kept) = (0, 0);
        for chunk in places.chunks(CHUNK) {
            self.chunk(chunk, loads)?;
            if mode == Mode::Any && !self.matches.is_empty() {
                break;
            }
            if let Some(new) = self.matches.get_mut(kept..).filter(|new| new.len() > 1) {
                new.sort_unstable();
            }
            if mode == Mode::LeftmostLongest {
                covered = self.keep_longest(kept, covered);
            }
            kept = self.matches.len();
        }
        Some(())
    }

    /// Of the sorted matches from `kept` on, those that count; gives the end of the last.
    fn keep_longest(&mut self, kept: usize, mut covered: u32) -> u32 {
        let (mut write, mut read) = (kept, kept);
        while let Some(first) = self.matches.get(read).copied() {
            let mut longest = first;
            while let Some(next) = self.matches.get(read).filter(|next| next.start == first.start) {
                longest = *next;
                read += 1;
            }
            if longest.start >= covered {
                covered = longest.end;
                if let Some(slot) = self.matches.get_mut(write) {
                    *slot = longest;
                }
                write += 1;
            }
        }
        self.matches.truncate(write);
        covered
    }

    /// All matches of the candidates of one chunk.
    fn chunk(&mut self, places: &[u32], loads: &mut Loads) -> Option<()> {
        let mut active = self.begin(places, loads)?;
        let mut depth = format::SHORTEST_WORD;
        while active > 0 {
            self.steps += active as u64;
            active = self.level(depth, active, loads)?;
            depth += 1;
        }
        Some(())
    }

    /// Looks the first two units up; gives the number of candidates that go on, which are the first.
    fn begin(&mut self, places: &[u32], loads: &mut Loads) -> Option<usize> {
        let lines = self.view.bigrams;
        for ((start, wanted), keys) in places.iter().zip(&mut loads.wanted).zip(&mut loads.keys) {
            let [one, two] = self.units.get(*start as usize..)?.first_chunk::<2>()?.map(|unit| unit.code);
            let key = format::bigram(one, two);
            let hash = format::hash(key);
            *wanted = (key, hash);
            *keys = lines.get(format::first_line(hash, lines.len()))?.map(|[key, ..]| key.get());
        }
        // Without a branch on what can not be foretold: everything is written, and counts or is written over.
        let (mut on, mut ended, mut further) = (0, 0, 0);
        for ((start, (key, hash)), keys) in places.iter().zip(&loads.wanted).zip(&loads.keys) {
            let start = *start;
            let [first, second, third, fourth] = keys.map(|there| usize::from(there == *key));
            let (nth, found) = (second + 2 * third + 3 * fourth, first + second + third + fourth);
            let line = lines.get(format::first_line(*hash, lines.len()))?;
            let [_, link, mask, tag] = line.get(nth)?.map(U32::get);
            let next = self.units.get(start as usize + 2).map_or(0, |unit| mask >> (unit.code & 31) & 1);
            *loads.candidates.get_mut(on)? = Candidate { start, link };
            on += found & next as usize;
            *loads.ended.get_mut(ended)? = Match { start, end: start + 2, tag: tag.wrapping_sub(1) as u16 };
            ended += found & usize::from(tag != 0);
            // A full line goes on in the next, if it does not end beyond.
            let [.., last] = *keys;
            *loads.further.get_mut(further)? = (start, *key, *hash);
            further +=
                usize::from(found == 0) & usize::from(last != 0) & usize::from(format::hash(last) <= *hash);
        }
        self.matches.extend_from_slice(loads.ended.get(..ended)?);
        for (start, key, hash) in loads.further.iter().take(further) {
            let [_, link, mask, tag] = probe(lines, *hash, *key)?;
            if tag != 0 {
                self.matches.push(Match { start: *start, end: start + 2, tag: (tag - 1) as u16 });
            }
            if self.units.get(*start as usize + 2).is_some_and(|unit| mask >> (unit.code & 31) & 1 != 0) {
                *loads.candidates.get_mut(on)? = Candidate { start: *start, link };
                on += 1;
            }
        }
        Some(on)
    }

    /// One unit further, for all.
    fn level(&mut self, depth: usize, active: usize, loads: &mut Loads) -> Option<usize> {
        for (header, candidate) in loads.headers.iter_mut().zip(loads.candidates.iter().take(active)) {
            if candidate.link >> link::SHIFT != link::TAIL_ONE {
                *header = word_at(self.view.pool, (candidate.link & link::VALUE) as usize * 4)?;
            }
        }
        let mut on = 0;
        for at in 0..active {
            let Candidate { start, link } = *loads.candidates.get(at)?;
            let header = *loads.headers.get(at)?;
            let here = start as usize + depth;
            if link >> link::SHIFT == link::NODE_END {
                self.hit(start, here, (header & link::TAG) as u16);
            }
            let Some(unit) = self.units.get(here) else { continue };
            match self.step(link, header, unit.code, here)? {
                Step::Lost => {}
                Step::Ended(tag) => self.hit(start, here + 1, tag),
                Step::EndedAfter(tag, units) => self.hit(start, here + units, tag),
                Step::On(link) if depth < format::LONGEST_WORD => {
                    *loads.candidates.get_mut(on)? = Candidate { start, link };
                    on += 1;
                }
                // No word is so long: the links go round.
                Step::On(_) => return None,
            }
        }
        Some(on)
    }

    fn hit(&mut self, start: u32, end: usize, tag: u16) {
        self.matches.push(Match { start, end: end as u32, tag });
    }

    fn step(&mut self, from: u32, header: u32, code: u16, here: usize) -> Option<Step> {
        let value = from & link::VALUE;
        match from >> link::SHIFT {
            link::TAIL_ONE => {
                let same = value >> link::TAG_BITS == u32::from(code);
                Some(if same { Step::Ended((value & link::TAG) as u16) } else { Step::Lost })
            }
            link::TAIL => self.tail(value as usize * 4 + 4, header, here),
            link::NODE | link::NODE_END => {
                let next = child(self.view.pool, value as usize * 4 + 4, header, code)?;
                Some(match next >> link::SHIFT {
                    0 => Step::Lost,
                    link::LEAF => Step::Ended((next & link::TAG) as u16),
                    _ => Step::On(next),
                })
            }
            _ => None,
        }
    }

    fn tail(&mut self, at: usize, header: u32, here: usize) -> Option<Step> {
        let length = (header >> link::TAG_BITS) as usize;
        if length > format::LONGEST_WORD {
            return None;
        }
        let codes = self.view.pool.get(at..at + 2 * length)?;
        let Some(units) = self.units.get(here..here + length) else { return Some(Step::Lost) };
        self.steps += length as u64;
        let same = codes.chunks_exact(2).zip(units).all(|(code, unit)| code == unit.code.to_le_bytes());
        Some(if same { Step::EndedAfter((header & link::TAG) as u16, length) } else { Step::Lost })
    }
}

/// The entry of a key that is not in its first line; zeros when there is none. `None`: the table has no such line, so it is damaged.
fn probe(lines: &[Line], hash: u32, key: u32) -> Option<[u32; 4]> {
    let first = format::first_line(hash, lines.len());
    for line in lines.get(first + 1..first + line::PROBES)? {
        if let Some(entry) = line.iter().find(|entry| entry[0].get() == key) {
            return Some(entry.map(U32::get));
        }
        let [.., [last, ..]] = line;
        if last.get() == 0 || format::hash(last.get()) > hash {
            break;
        }
    }
    Some([0; 4])
}

/// The link of a child in the block whose slots begin at `at`; 0 when there is none. `None`: the block is not inside the pool.
fn child(pool: &[u8], at: usize, header: u32, code: u16) -> Option<u32> {
    let slots = (header >> block::SLOTS_SHIFT) as usize;
    let leaves = header & block::LEAVES != 0;
    let codes_at = if leaves { at + 2 } else { at };
    let codes = pool.get(codes_at..codes_at + 2 * slots)?;
    let found = if header & block::HASHED == 0 { listed(codes, code) } else { hashed(codes, slots, code) };
    let Some(slot) = found else { return Some(0) };
    if leaves {
        let tag = pool.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)?;
        return Some(link::make(link::LEAF, u32::from(tag)));
    }
    let links = at + (2 * slots).next_multiple_of(4);
    word_at(pool, links + 4 * slot)
}

fn listed(codes: &[u8], code: u16) -> Option<usize> {
    let code = code.to_le_bytes();
    codes.chunks_exact(2).position(|slot| slot == code)
}

fn hashed(codes: &[u8], slots: usize, code: u16) -> Option<usize> {
    let wanted = code.to_le_bytes();
    let mut slot = block::slot(code, slots);
    for _ in 0..block::PROBES {
        let here = codes.get(2 * slot..2 * slot + 2)?;
        if here == wanted {
            return Some(slot);
        }
        if here == code::GAP.to_le_bytes() {
            return None;
        }
        slot = if slot + 1 < slots { slot + 1 } else { 0 };
    }
    None
}

fn word_at(pool: &[u8], at: usize) -> Option<u32> {
    pool.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}
