use proptest::prelude::*;

use super::*;

fn list(category: &str) -> WordList {
    WordList {
        id: category.into(),
        category: category.into(),
        severity: Severity::Medium,
        origin: "test".into(),
        words: vec![],
        cues: vec![],
        contexts: vec![],
        allow: vec![],
        forms: vec![],
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn lexicon() -> Lexicon {
    Lexicon::compile(vec![
        WordList {
            words: words(&["薇信", "主页有微", "加微信"]),
            cues: words(&["加卫星", "加v", "v信", "vx", "加我", "微信", "威信", "私我"]),
            contexts: words(&["同号", "联系"]),
            allow: words(&["微信支付"]),
            ..list("contact_diversion")
        },
        WordList { words: words(&["国家级", "最佳", "最佳品质"]), ..list("absolute_word") },
    ])
    .unwrap()
}

fn found(text: &str) -> Vec<(String, String)> {
    lexicon().scan(text).hits.into_iter().map(|hit| (hit.category, hit.matched)).collect()
}

fn diverts(text: &str) -> bool {
    found(text).iter().any(|(category, _)| category == "contact_diversion")
}

#[test]
fn contact_diversion_is_found_by_context_and_harmless_words_are_not() {
    for text in [
        "加卫星 abc12345",
        "＋v：abc_123",
        "v 信同号",
        "➕我 1 3 8 0 0 0 0 1 2 3 4",
        "薇❤信",
        "主页有微",
        "加\u{200b}微\u{200d}信",
        "vxabc12345",
        "加我 xiaomingming",
        "13800001234 加我",
        "ＶＸ：①②③④⑤⑥",
    ] {
        assert!(diverts(text), "{text}");
    }
    for text in [
        "微信支付很方便",
        "我国发射卫星",
        "VX1 显卡",
        "威信很高",
        "私我一下",
        "用微信支付123456元",
        "the savxe",
        "加我们的群很久了",
    ] {
        assert!(!diverts(text), "{text}");
    }
}

#[test]
fn evidence_shows_the_original_characters() {
    assert_eq!(found("请看 薇❤️信 吧"), [("contact_diversion".into(), "薇❤️信".into())]);
    assert_eq!(found("国·家·级产品"), [("absolute_word".into(), "国·家·级".into())]);
    let hit = lexicon().scan("请看 薇❤️信 吧").hits.remove(0);
    assert_eq!((hit.start, hit.end), (3, 7));
    assert!(!format!("{hit:?}").contains('薇'));
}

#[test]
fn a_list_may_ask_for_other_ways_of_writing() {
    let cunning = WordList {
        words: words(&["加微信", "转账"]),
        forms: vec![Form::Pinyin, Form::Split, Form::Repeated],
        ..list("contact_diversion")
    };
    let plain = Lexicon::compile(vec![WordList { forms: vec![], ..cunning.clone() }]).unwrap();
    let cunning = Lexicon::compile(vec![cunning]).unwrap();
    for (text, matched, form) in [
        ("请加wei信", "加wei信", Form::Pinyin),
        ("jia weixin 吧", "jia weixin", Form::Pinyin),
        ("车专 账", "车专 账", Form::Split),
        ("加微亻言", "加微亻言", Form::Split),
        ("来加加微微微信信吧", "加加微微微信信", Form::Repeated),
        ("加微信", "加微信", Form::Plain),
        ("加微信信", "加微信", Form::Plain),
    ] {
        let hits = cunning.scan(text).hits;
        assert_eq!(
            hits.iter().map(|hit| (hit.matched.as_str(), hit.form)).collect::<Vec<_>>(),
            [(matched, form)]
        );
        assert_eq!(hits.first().unwrap().list, "contact_diversion");
        assert_eq!(plain.scan(text).hits.len(), usize::from(form == Form::Plain), "{text}");
    }
    // Part of a longer Latin word, or nothing repeated within.
    for text in ["jiaweixinx", "加微", "加 信"] {
        assert!(cunning.scan(text).hits.is_empty(), "{text}");
    }
}

#[test]
fn the_longest_of_one_category_wins() {
    assert_eq!(found("最佳品质"), [("absolute_word".into(), "最佳品质".into())]);
}

#[test]
fn a_word_stretched_over_a_sentence_is_none() {
    assert!(found(&format!("国{}家级", "。".repeat(20))).is_empty());
}

#[test]
fn mobile_numbers_are_found_however_they_are_written() {
    for text in [
        "13800138000",
        "+8613800138000",
        "008613800138000",
        "电话138-0013-8000",
        "138 0013 8000",
        "１３８００１３８０００",
        "一三八零零一三八零零零",
        "①③⑧⓪⓪①③⑧⓪⓪⓪",
        "13800138000 13900139000",
    ] {
        let hits = found(text);
        assert!(hits.iter().any(|(category, _)| category == PHONE_NUMBER), "{text}: {hits:?}");
    }
    for text in ["138001380001", "1380013800", "12800138000", "order 9913800138000123", "138****8000"] {
        assert!(found(text).is_empty(), "{text}");
    }
    assert_eq!(found("13800138000 13900139000").len(), 2);
}

/// `libphonenumber_valid` is stricter than the shape: it lacks assigned segments (140, 144, 149, 154, 179, 194).
#[test]
fn the_shape_takes_every_number_that_the_library_takes() {
    let table = include_str!("../../../tests/vectors/phone_cn.csv");
    let (mut taken, mut refused) = (0, 0);
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let hit = !found(cells[0]).is_empty();
        if cells[2] == "True" {
            assert!(hit, "{row}");
            taken += 1;
        }
        let digits = cells[0].trim_start_matches('+').trim_start_matches("0086");
        let digits = digits.strip_prefix("86").unwrap_or(digits);
        let shaped = digits.len() == 11 && matches!(digits.as_bytes(), [b'1', b'3'..=b'9', ..]);
        assert_eq!(hit, shaped, "{row}");
        refused += usize::from(!hit);
    }
    assert!(taken >= 25 && refused >= 4, "{taken} {refused}");
}

#[test]
fn bad_lists_are_refused_with_their_name() {
    let message = |list: WordList| Lexicon::compile(vec![list]).unwrap_err().to_string();
    assert!(message(list("x")).contains("neither words"));
    assert!(message(WordList { words: words(&["a·"]), ..list("x") }).contains("fewer than 2"));
    assert!(message(WordList { words: words(&["ab"]), ..list("X y") }).contains("[a-z0-9_]"));
    assert!(message(WordList { words: words(&["ab"]), ..list(PHONE_NUMBER) }).contains("detector"));
    let twice = WordList { words: words(&["ab"]), ..list("x") };
    assert!(Lexicon::compile(vec![twice.clone(), twice]).unwrap_err().to_string().contains("twice"));
}

#[test]
fn words_that_are_withheld_make_everything_a_hit() {
    let spam = WordList { category: "spam".into(), words: words(&["刷单"]), ..list("fine") };
    let lexicon = Lexicon::compile(vec![spam]).unwrap().with(Lexicon::withheld());
    assert!(lexicon.categories().any(|category| category == "spam"));
    let hits = lexicon.scan("你好").hits;
    assert!(lexicon.categories().all(|category| hits.iter().any(|hit| hit.category == category)));
}

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[加微信薇vVxX1-9 ·❤️\u{200b}⑩ﷺ最佳国家级]{0,40}",
        Just("加v".to_owned()),
        Just("138 0013 8000".to_owned()),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn spans_are_in_range_and_show_what_matched(text in hostile()) {
        let chars: Vec<char> = text.chars().collect();
        for hit in lexicon().scan(&text).hits {
            prop_assert!(hit.start < hit.end && hit.end <= chars.len());
            prop_assert_eq!(hit.matched, chars[hit.start..hit.end].iter().collect::<String>());
        }
    }
}

#[test]
fn a_long_hostile_text_yields_bounded_hits() {
    let text = "加v最佳1".repeat(20_000);
    let scan = lexicon().scan(&text);
    assert!(scan.hits.len() <= text.chars().count());
}

/// The 15-digit row asks for an upgrade, which is no matter of finding.
#[test]
fn identity_numbers_are_found_by_their_check() {
    let table = include_str!("../../../tests/vectors/id_gb11643.csv");
    let (mut right, mut wrong) = (0, 0);
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let hit = found(cells[0]).iter().any(|(category, _)| category == ID_NUMBER);
        let expected = matches!(cells[1], "valid" | "valid-after-normalise");
        assert_eq!(hit, expected, "{row}");
        right += u32::from(hit);
        wrong += u32::from(!hit);
    }
    assert!(right >= 3 && wrong >= 10, "{right} {wrong}");
}

#[test]
fn what_a_cue_leads_to_is_told_by_its_shape() {
    for (text, category, account) in [
        ("加v:lily_666888", WECHAT_ID, "lily_666888"),
        ("加我 287654321", QQ_NUMBER, "287654321"),
        ("加我 13800138000", PHONE_NUMBER, "13800138000"),
    ] {
        assert!(
            found(text).contains(&(category.to_owned(), account.to_owned())),
            "{text}: {:?}",
            found(text)
        );
    }
    assert!(found("lily_666888 287654321").is_empty());
}

#[test]
fn a_cue_with_a_sign_inside_counts_and_an_amount_is_no_account() {
    for text in ["微🌟信", "威|信", "加我 100000"] {
        assert!(diverts(text), "{text}");
    }
    for text in ["微、信", "微 信", "加我 100000元", "加我 100000积分"] {
        assert!(!diverts(text), "{text}");
    }
}
