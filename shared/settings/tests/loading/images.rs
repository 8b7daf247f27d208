//! Images beside the configuration: which may be sent, where to, and that it is the one that was checked.

use sluice_domain::id::ScriptId;
use sluice_domain::image::Image;
use sluice_domain::settings::Settings;
use sluice_settings::{Bundle, CompiledSettings, LastGood, check_bundle, compile, image_in, load_compiled};

use crate::{shipped, shipped_files, write};

const PNG: &[u8] = include_bytes!("../../../../tests/vectors/images/card.png");
const JPEG: &[u8] = include_bytes!("../../../../tests/vectors/images/card.jpg");
const WORDS: &str = "【示例品牌】到店有礼，客户表示拒绝的，请停止联系";

/// The shipped configuration with one more route, whose script is an image for staff.
fn files(script: &str, channel: &str, images: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    let destination = format!("      - {{ id: p, channel: {channel}, recipient: feishu_leads }}\n");
    let route = "      - { kinds: [live_comment], purpose: after_sale, recipient: feishu_leads, destinations: [p], script: promo }\n";
    let script = format!("      - {{ id: promo, version: 1, {script} }}\n");
    let main = shipped()
        .replacen("    destinations:\n", &format!("    destinations:\n{destination}"), 1)
        .replacen("    routes:\n", &format!("    routes:\n{route}"), 1)
        .replacen("    scripts:\n", &format!("    scripts:\n{script}"), 1);
    let images = images.iter().map(|(name, bytes)| (format!("images/{name}"), bytes.to_vec()));
    shipped_files().into_iter().chain([("sluice.yaml".to_owned(), main.into_bytes())]).chain(images).collect()
}

fn problems(script: &str, channel: &str, images: &[(&str, &[u8])]) -> Vec<(&'static str, String)> {
    let report = check_bundle(&files(script, channel, images).into_iter().collect());
    report.problems.iter().map(|problem| (problem.code, problem.to_string())).collect()
}

const BOT: &str = "wecom_bot, key: demo-brand/bot";

#[test]
fn an_image_is_sent_alone_with_words_that_rules_can_read_and_where_it_can_be_sent() {
    let good = format!("image: card.png, image_text: {WORDS}");
    let png: &[(&str, &[u8])] = &[("card.png", PNG)];
    assert_eq!(problems(&good, BOT, png), []);
    assert_eq!(problems(&good.replace("png", "jpg"), BOT, &[("card.jpg", JPEG)]), []);

    let with_uploads =
        "feishu_bot, hook: demo-brand/hook, uploads: { app_id: cli_1, secret: demo-brand/app }";
    assert_eq!(problems(&good, with_uploads, png), []);
    let leaks = with_uploads.replace("demo-brand/app", "dskLLdkasdjlasdKK1234567890abcdEFGHxyz");
    assert_eq!(problems(&good, &leaks, png)[0].0, "secret_not_a_name");

    let large = [PNG, &vec![0; 2_000_000]].concat();
    let douyin = "douyin_comment, client_key: aw1, refresh_token: demo-brand/dy, acknowledge: the platform has granted this account the capability";
    for (script, channel, images, code, told) in [
        (good.as_str(), BOT, &[][..], "image_missing", "`images/card.png`: no such file; there: none"),
        (&good, BOT, &[("other.png", PNG)], "image_missing", "there: other.png"),
        (&good, BOT, &[("card.png", b"GIF89a")], "image_unfit", "begins as neither"),
        (&good, BOT, &[("card.png", &PNG[..60])], "image_unfit", "cut or damaged"),
        (&good, BOT, &[("card.png", JPEG)], "image_unfit", "got image/jpeg: name it so"),
        (
            &good,
            BOT,
            &[("card.png", &large)],
            "image_too_large",
            "`wecom_bot` (destination `p`) takes 2000000: make it smaller by 124 bytes",
        ),
        (
            &good,
            "feishu_bot, hook: demo-brand/hook",
            png,
            "image_not_supported",
            "name an application that does (`uploads: {app_id, secret}`)",
        ),
        (&good, douyin, png, "image_not_supported", "give it a script of its own with a text"),
        ("image: card.png", BOT, png, "image_text_missing", "everything that can be read on `card.png`"),
        ("image: card.png, image_text: ' '", BOT, png, "image_text_missing", "image_text"),
        (&format!("{good}, text: 你好"), BOT, png, "image_not_alone", "no `title`, `text` or `fields`"),
        (&format!("{good}, title: 你好"), BOT, png, "image_not_alone", "no `title`"),
        ("text: 你好, image_text: 你好", BOT, png, "image_text_without_image", "no `image` that shows it"),
        ("image: ../card.png, image_text: 你好", BOT, png, "syntax", "name of a file in images/"),
        ("image: sub/card.png, image_text: 你好", BOT, png, "syntax", "no folder"),
    ] {
        let found = problems(script, channel, images);
        assert!(
            found.iter().any(|(found, message)| *found == code && message.contains(told)),
            "{script} {channel}: {found:?}"
        );
    }
}

/// What can be read on a picture is judged like a text: a word that may not leave does not, whoever reads it.
#[test]
fn the_words_on_an_image_are_judged_in_its_place() {
    let found = problems("image: card.png, image_text: 国家级 加我薇信 abc12345", BOT, &[("card.png", PNG)]);
    let [(code, told)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(*code, "script_not_allowed", "{told}");
    assert!(told.contains("script `promo` may not leave through `wecom_bot`"), "{told}");
    // To a person, an image names its sender and the way out as a text does.
    let custom = "wechat_custom, app_id: wx1, secret: demo-brand/wx, openid_field: openid";
    let found = problems("image: card.png, image_text: 到店有礼", custom, &[("card.png", PNG)]);
    assert!(!found.is_empty(), "{found:?}");
}

fn script_of(settings: &Settings) -> &sluice_domain::script::Script {
    let tenant = settings.tenants.values().find(|tenant| tenant.id.as_str() == "demo-brand").unwrap();
    tenant.scripts.get(&ScriptId::new("promo").unwrap()).unwrap()
}

#[test]
fn a_compiled_configuration_knows_its_images_by_what_is_in_them() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &files(&format!("image: card.png, image_text: {WORDS}"), BOT, &[("card.png", PNG)]));
    let bundle = Bundle::read(dir.path());
    let compiled = compile(&bundle).unwrap();
    let images: Vec<Image> = CompiledSettings::read(&compiled).unwrap().images().cloned().collect();
    let facts = include_str!("../../../../tests/vectors/images/facts.csv");
    let [image] = images.as_slice() else { panic!("{images:?}") };
    assert!(facts.contains(&image.sha256));
    // The same script, and so the same hash, whichever way it came.
    let loaded = load_compiled(&compiled, dir.path()).unwrap();
    let read = sluice_settings::load_bundle(&bundle).unwrap();
    assert_eq!(script_of(&loaded), script_of(&read));
    assert_eq!(script_of(&loaded).image_file.as_ref(), Some(image));

    assert_eq!(image_in(dir.path(), image).unwrap(), PNG);
    assert_eq!(bundle.image_bytes(image).unwrap(), PNG);
    std::fs::write(dir.path().join("images/card.png"), JPEG).unwrap();
    let other = "`images/card.png` is another file than the one that was checked";
    assert_eq!(image_in(dir.path(), image).unwrap_err(), other);
    assert_eq!(bundle.image_bytes(image).unwrap_err(), other);
    std::fs::remove_file(dir.path().join("images/card.png")).unwrap();
    assert!(image_in(dir.path(), image).unwrap_err().contains("`images/card.png`"));
}

/// Another picture under the same name is another script: it is taken up like a changed text, and a bad one changes nothing.
#[test]
fn a_changed_image_is_taken_up_while_the_gate_runs() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &files(&format!("image: card.png, image_text: {WORDS}"), BOT, &[("card.png", PNG)]));
    let settings = LastGood::open(dir.path()).unwrap();
    let hash = || script_of(&settings.current()).short_hash();
    let image = || script_of(&settings.current()).image_file.clone().unwrap();
    let first = hash();
    assert!(!settings.reload().unwrap());
    assert_eq!(settings.image(&image()).unwrap(), PNG);

    let another = include_bytes!("../../../../docs/img/simulators.png");
    std::fs::write(dir.path().join("images/card.png"), another).unwrap();
    assert!(settings.image(&image()).unwrap_err().contains("another file"), "not the one in force");
    assert!(settings.reload().unwrap());
    assert_ne!(hash(), first);
    assert_eq!(settings.image(&image()).unwrap(), another);

    std::fs::write(dir.path().join("images/card.png"), b"no image").unwrap();
    assert!(settings.reload().is_err());
    assert_ne!(hash(), first);
}
