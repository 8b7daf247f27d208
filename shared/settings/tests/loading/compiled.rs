//! Compiled lexicons, and compiled configurations.

use std::path::Path;

use sluice_settings::{Bundle, compile, load, load_bundle, load_compiled};

use crate::{shipped_dir, with_main, written};

/// A compiled lexicon beside the lists is named by a pack like one, is part of its hash, and is refused when it is damaged.
#[test]
fn a_pack_may_name_a_compiled_lexicon() {
    use sluice_domain::lexicon::{Compiler, Severity, WordList};
    let dir = written();
    let compiled = |word: &str| {
        let list = WordList {
            id: "large".into(),
            category: "large".into(),
            severity: Severity::High,
            origin: "test".into(),
            words: vec![word.into()],
            cues: vec![],
            contexts: vec![],
            allow: vec![],
            forms: vec![],
        };
        let mut compiler = Compiler::new();
        compiler.add(&list).unwrap();
        let (built, description) = compiler.build().unwrap();
        built.into_bytes(description)
    };
    let file = dir.path().join("lexicons/large.slx");
    let pack = dir.path().join("rules/platform.yaml");
    let text = std::fs::read_to_string(&pack).unwrap();
    std::fs::write(&pack, text.replacen("lexicons:\n", "lexicons:\n  - large\n", 1)).unwrap();
    std::fs::write(&file, compiled("稀奇古怪")).unwrap();
    let scan = |settings: &sluice_domain::settings::Settings| {
        let rules = &settings.tenants.values().next().unwrap().rules;
        rules.lexicon().scan("稀·奇古怪").hits.iter().any(|hit| hit.category == "large")
    };
    assert!(scan(&load(dir.path()).unwrap()));
    let first = Bundle::read(dir.path());
    // Compiled, the configuration names it, and takes no other one in its place.
    let settings = compile(&first).unwrap();
    let loaded = load_compiled(&settings, dir.path()).unwrap();
    assert!(scan(&loaded));
    assert_eq!(format!("{loaded:?}"), format!("{:?}", load(dir.path()).unwrap()));
    std::fs::write(&file, compiled("别的什么")).unwrap();
    let problems = load_compiled(&settings, dir.path()).unwrap_err().problems;
    assert!(problems.iter().any(|problem| problem.message.contains("another file")), "{problems:?}");
    assert_ne!(first, Bundle::read(dir.path()));
    assert!(!scan(&load(dir.path()).unwrap()));
    let mut bytes = compiled("稀奇古怪");
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let problems = load(dir.path()).unwrap_err().problems;
    assert!(
        problems
            .iter()
            .any(|problem| problem.file == "lexicons/large.slx" && problem.message.contains("damaged"))
    );
}

#[test]
fn a_compiled_configuration_is_the_same_one() {
    let bundle = Bundle::read(&shipped_dir());
    let compiled = compile(&bundle).unwrap();
    let loaded = load_compiled(&compiled, Path::new("unused")).unwrap();
    let expected = load_bundle(&bundle).unwrap();
    // Sources, rules, automata and the hashes that decisions name.
    assert_eq!(format!("{loaded:?}"), format!("{expected:?}"));
    assert_eq!(compile(&bundle).unwrap(), compiled);
}

#[test]
fn nothing_is_compiled_that_would_not_load() {
    let error = compile(&with_main("tenants: []")).unwrap_err();
    assert_eq!(error.problems[0].code, "no_tenants");
}

#[test]
fn what_was_not_compiled_by_this_version_is_refused_without_a_word_of_it() {
    let compiled = String::from_utf8(compile(&Bundle::read(&shipped_dir())).unwrap()).unwrap();
    let with = |from: &str, to: &str| {
        assert!(compiled.contains(from), "{from}");
        load_compiled(compiled.replacen(from, to, 1).as_bytes(), Path::new("unused")).unwrap_err()
    };
    for (from, to, code) in [
        ("\"format\":2", "\"format\":1", "format"),
        ("\"format\":2", "\"format\":2,\"secret\":\"hunter2\"", "syntax"),
        ("\"words\":\"", "\"words\":\"0", "unknown_words"),
        ("\"rules\":\"baseline.yaml\"", "\"rules\":\"other.yaml\"", "unknown_rule_pack"),
        ("\"sources\":[", "\"sources\":[\"hunter2\",", "syntax"),
    ] {
        let error = with(from, to);
        assert_eq!(error.problems[0].code, code, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    for cut in [0, 1, compiled.len() / 2, compiled.len() - 1] {
        assert!(load_compiled(&compiled.as_bytes()[..cut], Path::new("unused")).is_err(), "{cut}");
    }
}
