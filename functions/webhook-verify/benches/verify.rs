//! Verify, parse, normalise and seal one 4 KB callback on one core: everything but the queue.

#![expect(clippy::expect_used, reason = "a benchmark that can not be set up has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use secrecy::SecretString;
use sluice_domain::event::{Reading, normalise};
use sluice_domain::id::TenantId;
use sluice_domain::id::TraceId;
use sluice_domain::scheme::{Credentials, Received, ToSign, sign, verify};
use sluice_domain::sealed::DataKey;
use sluice_domain::source::{SchemeName, Source};
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use zeroize::Zeroizing;

const NOW: UnixMillis = UnixMillis(1_795_219_200_000);

/// A message with nickname, avatar and a text that fills it up to 4 KB.
fn body() -> Vec<u8> {
    let text = "这款车的优惠还有吗?".repeat(113);
    let body = serde_json::json!({
        "event": "im_receive_msg", "client_key": "k", "from_user_id": "user-1", "to_user_id": "account-1",
        "content": {
            "conversation_short_id": "@9Vxc1/yDU8sqaS+gN4koEc7912foPPiLPZVyrQmgKVQabPH460zdRmYqig357zEBMaXjKvvhvwY02ISB7llsWQ==",
            "server_message_id": "@9Vxc1/yDU8sqaS+gN4koEc7912foPPyAPpF2rgykLFgbafb560zdRmYqig357zEBmWXVPshhwyd/y/7BQpXy/w==",
            "conversation_type": 1, "create_time": 1_681_303_285_997_i64, "message_type": "text", "source": "",
            "scene_type": 100, "text": text,
            "user_infos": [
                { "open_id": "user-1", "nick_name": "刘东", "avatar": "https://p3.douyinpic.com/a" },
                { "open_id": "account-1", "nick_name": "示例品牌", "avatar": "https://p3.douyinpic.com/b" },
            ],
        },
    });
    body.to_string().into_bytes()
}

fn one_callback(criterion: &mut Criterion) {
    let secret = SecretString::from("0123456789abcdef0123456789abcdef");
    let source: Source = serde_json::from_value(serde_json::json!({
        "id": "open-platform", "scheme": "open-platform", "secret": "name",
    }))
    .expect("a source");
    let tenant = TenantId::new("brand").expect("an id");
    let keys = TenantKeys::new(tenant, Zeroizing::new([1; 32]), vec![DataKey::new(1, &[2; 32])]);
    let body = body();
    let message = [("Msg-Id".to_owned(), "bench-1".to_owned())];
    let message = ToSign { headers: &message, ..ToSign::post(&body, NOW) };
    let signed = sign(SchemeName::OpenPlatform, message, &Credentials::of_secret(&secret)).expect("signed");

    criterion.bench_function(&format!("verify, normalise, seal: {} bytes", body.len()), |bencher| {
        bencher.iter(|| {
            let headers = signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            let received = Received::new("POST", headers, black_box(&signed.body));
            let credentials = Credentials::of_source(&source, &secret, None);
            let verified = verify(SchemeName::OpenPlatform, &received, &credentials, NOW).expect("genuine");
            let Ok(Reading::Events(events)) = normalise(&verified, &source) else {
                unreachable!("one event")
            };
            let mut count = 0_u8;
            for event in events {
                let nonce = || {
                    count = count.wrapping_add(1);
                    [count; 12]
                };
                let trace = TraceId::from_parts(NOW, [3; 10]);
                black_box(event.seal(&source.id, &keys, nonce, trace, NOW).expect("sealed"));
            }
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50);
    targets = one_callback
}
criterion_main!(benches);
