//! The wire against what the host's own sources and tests say, byte for byte.

use super::decode::decode;
use super::{Arrived, Delivered, Reply, Request, WireError};
use agents::request::{self, Answer};
use agents::topology::{Function, Input, Topology, Trigger};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use pipeline::message::{Envelope, RunId, topic};
use proptest::prelude::*;
use serde_json::json;

fn queue() -> Trigger {
    Trigger::Queue("orders".to_owned())
}

fn input(is_binary: bool, is_batch: bool) -> Input {
    Input { name: "msg".to_owned(), is_binary, is_batch }
}

/// Bodies and delivery counts of a call of a queue's function.
#[track_caller]
fn check(call: &str, input: &Input, expect: &[(&[u8], Option<u32>)]) {
    let expect = expect.iter().map(|(body, count)| Delivered { body: body.to_vec(), count: *count }).collect();
    assert_eq!(decode(call.as_bytes(), &queue(), input), Ok(Arrived::Messages(expect)), "{call}");
}

#[test]
fn binary_message_is_base64_of_its_exact_bytes() {
    let call = r#"{"Data":{"msg":"eyJvcmRlcklkIjo3fQ=="},"Metadata":{"DeliveryCount":"4","LockToken":"\"8a2c1b1e-6f0e-4c8a-9c52-2f4b2f0d7c11\"","MessageId":"\"abc\"","SequenceNumber":"42","EnqueuedTimeUtc":"2026-01-31T10:11:12","ApplicationProperties":{"k":"v","n":3},"MessageReceiver":{},"sys":{"MethodName":"Fn","UtcNow":"2026-01-31T10:11:12Z","RandGuid":"x"}}}"#;
    check(call, &input(true, false), &[(br#"{"orderId":7}"#, Some(4))]);
    check(r#"{"Data":{"msg":"/wA="},"Metadata":{}}"#, &input(true, false), &[(&[0xff, 0], None)]);
    check(r#"{"Data":{"msg":""},"Metadata":null}"#, &input(true, false), &[(b"", None)]);
    check(r#"{"Data":{"msg":"YQ=="}}"#, &input(true, false), &[(b"a", None)]);
}

#[test]
fn binary_batch_is_a_string_of_an_array_of_base64() {
    let call = r#"{"Data":{"msg":"[\"eyJhIjoxfQ==\",\"/wA=\"]"},"Metadata":{"DeliveryCountArray":"[1,3]","MessageIdArray":"[\"a\",\"b\"]"}}"#;
    check(call, &input(true, true), &[(br#"{"a":1}"#, Some(1)), (&[0xff, 0], Some(3))]);
    check(r#"{"Data":{"msg":["YQ=="]}}"#, &input(true, true), &[(b"a", None)]);
    check(r#"{"Data":{"msg":"[]"}}"#, &input(true, true), &[]);
    check(
        r#"{"Data":{"msg":"[\"YQ==\",\"Yg==\"]"},"Metadata":{"DeliveryCountArray":"[2]"}}"#,
        &input(true, true),
        &[(b"a", Some(2)), (b"b", None)],
    );
}

#[test]
fn text_is_a_string_of_a_json_string() {
    let rows: [(&str, &[u8]); 6] = [
        (r#""\"hello\"""#, b"hello"),
        (r#""\"{\\\"a\\\":1}\"""#, br#"{"a":1}"#),
        (r#""\"gr\u00fc\u00df dich\"""#, "grüß dich".as_bytes()),
        (r#""4""#, b"4"),
        (r#"{"a": 1}"#, br#"{"a": 1}"#),
        (r#""not encoded twice""#, b"not encoded twice"),
    ];
    for (value, expect) in rows {
        check(&format!(r#"{{"Data":{{"msg":{value}}},"Metadata":{{}}}}"#), &input(false, false), &[(expect, None)]);
    }
}

#[test]
fn batch_of_texts_is_a_string_of_an_array_of_strings() {
    let call = r#"{"Data":{"msg":"[\"body1\",\"{\\\"a\\\":1}\",7]"},"Metadata":{}}"#;
    check(call, &input(false, true), &[(b"body1", None), (br#"{"a":1}"#, None), (b"7", None)]);
}

#[test]
fn metadata_that_a_body_may_have_forged_is_not_asked() {
    let call = r#"{"Data":{"msg":"\"{\\\"DeliveryCount\\\":9}\""},"Metadata":{"DeliveryCount":"9"}}"#;
    check(call, &input(false, false), &[(br#"{"DeliveryCount":9}"#, None)]);
}

#[test]
fn metadata_that_makes_no_sense_is_no_matter() {
    for count in ["\"many\"", "-1", "1e99", "{}", "null", "\"\\\"4\\\"\""] {
        let call = format!(r#"{{"Data":{{"msg":"YQ=="}},"Metadata":{{"DeliveryCount":{count}}}}}"#);
        check(&call, &input(true, false), &[(b"a", None)]);
    }
}

#[test]
fn timer_that_never_ran_has_no_status() {
    let timer = |state: &str| {
        let call = format!(r#"{{"Data":{{"msg":{state}}},"Metadata":{{"sys":{{"MethodName":"sweep"}}}}}}"#);
        decode(call.as_bytes(), &Trigger::Timer("0 * * * * *".to_owned()), &input(false, false))
    };
    let schedule = r#""Schedule":{"AdjustForDST":true},"#;
    assert_eq!(timer(&format!(r#"{{{schedule}"ScheduleStatus":null,"IsPastDue":false}}"#)), Ok(Arrived::Tick(false)));
    let status = r#""ScheduleStatus":{"Last":"2026-01-31T10:11:00","Next":"2026-01-31T10:12:00","LastUpdated":"2026-01-31T10:11:00"}"#;
    assert_eq!(timer(&format!(r#"{{{schedule}{status},"IsPastDue":true}}"#)), Ok(Arrived::Tick(true)));
    assert!(matches!(timer("\"late\""), Err(WireError::Value { .. })));
}

#[test]
fn request_is_an_object() {
    let request = |req: &str| {
        let call = format!(r#"{{"Data":{{"msg":{req}}},"Metadata":{{"Headers":"{{}}","Query":"{{}}"}}}}"#);
        decode(call.as_bytes(), &Trigger::Http("health".to_owned()), &input(false, false))
    };
    let full = r#"{"Url":"http://localhost:7071/api/x?a=1","Method":"POST","Query":{"a":"1"},"Headers":{"Accept":["text/plain","*/*"],"Host":"localhost"},"Params":{"id":7,"none":null},"Identities":[{"AuthenticationType":null,"Claims":[]}],"Body":"{\"b\":2}"}"#;
    let expect = Request {
        method: "POST".to_owned(),
        url: "http://localhost:7071/api/x?a=1".to_owned(),
        query: [("a".to_owned(), "1".to_owned())].into(),
        headers: [
            ("Accept".to_owned(), vec!["text/plain".to_owned(), "*/*".to_owned()]),
            ("Host".to_owned(), vec!["localhost".to_owned()]),
        ]
        .into(),
        params: [("id".to_owned(), "7".to_owned())].into(),
        body: r#"{"b":2}"#.to_owned(),
    };
    assert_eq!(request(full), Ok(Arrived::Request(expect)));
    for (member, expect) in
        [("", ""), (r#""Body":null"#, ""), (r#""Body":"AAE=""#, "AAE="), (r#""Body":{"b":2}"#, r#"{"b":2}"#)]
    {
        let Ok(Arrived::Request(Request { body, .. })) = request(&format!("{{{member}}}")) else { panic!("{member}") };
        assert_eq!(body, expect);
    }
}

#[test]
fn what_is_no_call_is_said_in_words() {
    let rows = [
        ("", "this is not a call of the functions host"),
        ("null", "this is not a call of the functions host"),
        ("{}", "this is not a call of the functions host"),
        (r#"{"Data":{}}"#, "Data has no `msg`, the trigger's binding in function.json"),
        (r#"{"Data":{"msg":7}}"#, "Data.msg is not a string of base64"),
        (r#"{"Data":{"msg":"a"}}"#, "Data.msg is not a string of base64"),
    ];
    for (call, expect) in rows {
        let words = decode(call.as_bytes(), &queue(), &input(true, false)).unwrap_err().to_string();
        assert!(words.starts_with(expect), "{call}: {words}");
    }
    assert!(decode(b"\xff", &queue(), &input(true, false)).is_err());
}

proptest! {
    #[test]
    fn every_byte_of_a_message_arrives(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..4)) {
        let encoded: Vec<String> = bodies.iter().map(|body| STANDARD.encode(body)).collect();
        let call = json!({ "Data": { "msg": serde_json::to_string(&encoded).unwrap() }, "Metadata": {} }).to_string();
        let expect = bodies.iter().map(|body| Delivered { body: body.clone(), count: None }).collect();
        prop_assert_eq!(decode(call.as_bytes(), &queue(), &input(true, true)), Ok(Arrived::Messages(expect)));
    }

    #[test]
    fn every_text_arrives(text in any::<String>()) {
        let twice = serde_json::to_string(&text).unwrap();
        let call = json!({ "Data": { "msg": twice }, "Metadata": {} }).to_string();
        let expect = vec![Delivered { body: text.into_bytes(), count: None }];
        prop_assert_eq!(decode(call.as_bytes(), &queue(), &input(false, false)), Ok(Arrived::Messages(expect)));
    }

    #[test]
    fn no_bytes_make_it_panic(call in call(), noise in prop::collection::vec((any::<usize>(), any::<u8>()), 0..4), kind in 0..6_u8) {
        let mut call = call;
        for (at, byte) in noise {
            if let Some(place) = at.checked_rem(call.len()).and_then(|at| call.get_mut(at)) {
                *place = byte;
            }
        }
        let trigger = match kind {
            4 => Trigger::Timer(String::new()),
            5 => Trigger::Http(String::new()),
            _ => queue(),
        };
        let _ = decode(&call, &trigger, &input(kind & 1 == 1, kind & 2 == 2));
    }
}

/// Anything, and what is nearly a call.
fn call() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        Just("\"[\\\"YQ==\\\"]\"".to_owned()),
        Just("{\"IsPastDue\":null,\"Body\":[1]}".to_owned()),
        (0..300_usize).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
        any::<String>().prop_map(|text| json!(text).to_string()),
    ];
    let near = (value.clone(), value).prop_map(|(data, count)| {
        format!(r#"{{"Data":{{"msg":{data}}},"Metadata":{{"DeliveryCount":{count},"DeliveryCountArray":{count}}}}}"#)
            .into_bytes()
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..64), near]
}

fn function(name: &str) -> Function {
    let functions = Topology::built_in().unwrap().functions;
    functions.into_iter().find(|function| function.name == name).unwrap()
}

fn message(target: Option<&str>, payload: &str) -> Envelope {
    let run = RunId::new(Timestamp::UNIX_EPOCH, [7; 10]);
    let mut message =
        Envelope::root("scan", "analyze", topic::SCAN_COMPLETED, &payload, run, Timestamp::UNIX_EPOCH).unwrap();
    message.target = target.map(str::to_owned);
    message
}

#[track_caller]
fn check_reply(reply: &Reply, expect: &str) {
    assert_eq!(String::from_utf8(reply.json().unwrap()).unwrap(), expect);
}

#[test]
fn messages_leave_as_arrays_of_strings() {
    let messages = [message(Some("analyze"), "a\"b"), message(None, "c"), message(Some("analyze"), "d")];
    let reply = Reply::messages(&function("scan"), &messages, vec!["a line".to_owned()]).unwrap();
    let text = |target: &str, payload: &str| {
        let target = if target == "null" { "null".to_owned() } else { format!(r#"\"{target}\""#) };
        format!(
            r#""{{\"id\":\"83291679-3f76-5456-a2cf-c2e07ceff242\",\"type\":\"command\",\"source\":\"scan\",\"target\":{target},\"topic\":\"scan.completed\",\"payload\":{payload},\"correlation_id\":\"00000000-0000-7707-8707-070707070707\",\"causation_id\":null,\"hops\":0,\"attempt\":0,\"timestamp\":\"1970-01-01T00:00:00Z\",\"schema_version\":1}}""#
        )
    };
    let expect = format!(
        r#"{{"Outputs":{{"analyze":[{},{}],"events":[{}]}},"Logs":["a line"],"ReturnValue":null}}"#,
        text("analyze", r#"\"a\\\"b\""#),
        text("analyze", r#"\"d\""#),
        text("null", r#"\"c\""#),
    );
    check_reply(&reply, &expect);
}

#[test]
fn nothing_to_send_is_still_an_object() {
    let reply = Reply::messages(&function("monitor"), &[], Vec::new()).unwrap();
    check_reply(&reply, r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#);
}

#[test]
fn message_without_a_way_is_an_error_in_words() {
    let error = Reply::messages(&function("monitor"), &[message(Some("scan"), "a")], Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "monitor sent scan.completed to scan, but functions/monitor/function.json has no such output"
    );
}

#[test]
fn answer_to_a_request_names_its_status_as_the_host_reads_it() {
    let reply = Reply::http(&function("health"), Answer::new(503, json!({ "a": 1 })), Vec::new()).unwrap();
    check_reply(
        &reply,
        r#"{"Outputs":{"res":{"statusCode":503,"headers":{"content-type":"application/json"},"body":{"a":1}}},"Logs":[],"ReturnValue":null}"#,
    );
}

#[test]
fn answer_and_messages_leave_together() {
    let body = json!({ "delivery": "72d3162e" });
    let answer = Answer {
        status: 202,
        body,
        messages: vec![message(None, "a"), message(Some("scan"), "b"), message(None, "c")],
    };
    let reply = Reply::http(&function("github-webhook"), answer, vec!["3 sent".to_owned()]).unwrap();
    let text = |target: &str, payload: &str| {
        format!(
            r#""{{\"id\":\"83291679-3f76-5456-a2cf-c2e07ceff242\",\"type\":\"command\",\"source\":\"scan\",\"target\":{target},\"topic\":\"scan.completed\",\"payload\":\"{payload}\",\"correlation_id\":\"00000000-0000-7707-8707-070707070707\",\"causation_id\":null,\"hops\":0,\"attempt\":0,\"timestamp\":\"1970-01-01T00:00:00Z\",\"schema_version\":1}}""#
        )
    };
    let expect = format!(
        r#"{{"Outputs":{{"res":{{"statusCode":202,"headers":{{"content-type":"application/json"}},"body":{{"delivery":"72d3162e"}}}},"scan":[{}],"events":[{},{}]}},"Logs":["3 sent"],"ReturnValue":null}}"#,
        text(r#"\"scan\""#, "b"),
        text("null", "a"),
        text("null", "c"),
    );
    check_reply(&reply, &expect);
}

#[test]
fn message_that_an_answer_has_no_way_for_is_an_error_in_words() {
    let answer = Answer { messages: vec![message(Some("notify"), "a")], ..Answer::new(202, json!({})) };
    let error = Reply::http(&function("github-webhook"), answer, Vec::new()).unwrap_err().to_string();
    assert!(error.starts_with("github-webhook sent scan.completed to notify, but"), "{error}");
}

/// A delivery of GitHub as the host hands it over: the signature is over the very bytes of the body.
#[test]
fn delivery_reaches_the_agent_with_its_headers_in_any_case_and_its_exact_body() {
    let call = r#"{"Data":{"req":{"Url":"http://localhost:7071/api/github/webhook?code=k","Method":"POST","Query":{"code":"k"},"Headers":{"Accept":["*/*"],"Content-Type":["application/json"],"X-Github-Event":["push"],"X-Hub-Signature-256":["sha256=00","sha256=11"]},"Params":{},"Identities":[],"Body":"{\n \"ref\": \"r\u00e9f\",\t\"n\": 1.0 }\r\n"}},"Metadata":{"Headers":"{}","Query":"{}"}}"#;
    let function = function("github-webhook");
    let Ok(Arrived::Request(request)) = decode(call.as_bytes(), &function.trigger, &function.input) else {
        panic!("{call}")
    };
    let asked = request.asked(Some("00-a-b-01".to_owned()));
    assert_eq!((asked.method.as_str(), asked.body.as_str()), ("POST", "{\n \"ref\": \"r\u{e9}f\",\t\"n\": 1.0 }\r\n"));
    for (name, value) in
        [("x-github-event", Some("push")), ("X-HUB-SIGNATURE-256", Some("sha256=00")), ("x-other", None)]
    {
        assert_eq!(asked.header(name), value, "{name}");
    }
    assert_eq!(asked.query, [("code".to_owned(), "k".to_owned())].into());
    assert_eq!(asked.traceparent.as_deref(), Some("00-a-b-01"));
    assert_eq!(request::Request::default().header("accept"), None);
}
