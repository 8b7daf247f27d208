//! The style sheet, inline: a saved page must look the same in ten years.

pub(crate) const CSS: &str = "\
:root { color-scheme: light dark; --ink: #1d2433; --soft: #667085; --line: #d5dae3; --good: #1a7f4b; --warn: #b26a00; --bad: #c0352b; --bar: #3b6fd4; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9f0; --soft: #98a2b3; --line: #3a4252; --good: #4cc38a; --warn: #e5a33d; --bad: #f0776c; --bar: #7aa2f0; --paper: #141821; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--paper); color: var(--ink); font: 15px/1.6 system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; margin: .75rem 0; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; vertical-align: top; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.verdict { display: inline-block; padding: .3rem .8rem; border-radius: .4rem; color: #fff; font-weight: 600; }
.verdict.good { background: #1a7f4b; } .verdict.bad { background: #c0352b; }
.identity { color: var(--soft); }
svg { width: 100%; height: auto; } svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
.bar { fill: var(--bar); } .bar.good { fill: var(--good); } .bar.warn { fill: var(--warn); } .bar.bad { fill: var(--bad); }
.expected { stroke: var(--ink); stroke-width: 2; }
";
