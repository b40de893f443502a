//! What a caller is answered, from the `http` output of a function.

use crate::app::{Function, Output};
use crate::host::invoke::Reply;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value as Json};

/// The answer that `reply` of `function` makes. An error is why it makes none, in words.
///
/// A member `status` is ignored, as the host does: it reads `statusCode` alone.
pub fn answer(function: &Function, reply: &Reply) -> Result<Response, String> {
    let has_return = function.outputs.iter().any(|binding| binding.name == "$return");
    let Some(binding) = function.outputs.iter().find(|binding| binding.kind == Output::Http) else {
        // A function without an answer of its own: 204, as the host.
        return plain(StatusCode::NO_CONTENT);
    };
    let members = match reply.output(&binding.name, has_return) {
        None => Map::new(),
        Some(Json::Object(members)) => members.clone(),
        Some(other) => {
            return Err(format!("the output {} is no object with statusCode, body and headers: {other}", binding.name));
        }
    };
    let member = |name: &str| {
        let found = members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    };
    let status = match member("statusCode") {
        None => StatusCode::OK,
        Some(status) => status_of(status).ok_or_else(|| format!("the status {status} is none"))?,
    };
    let mut response = plain(status)?;
    match member("body") {
        None => {}
        Some(Json::String(text)) => {
            set(&mut response, header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            *response.body_mut() = Body::from(text.clone());
        }
        Some(value) => {
            set(&mut response, header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
            *response.body_mut() = Body::from(value.to_string());
        }
    }
    if let Some(Json::Object(headers)) = member("headers") {
        for (name, value) in headers {
            let value = crate::host::invoke::text(value);
            let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()))
            else {
                return Err(format!("the header {name} can't be sent"));
            };
            // Of a length that does not fit, the connection would break.
            if name != header::CONTENT_LENGTH && name != header::TRANSFER_ENCODING {
                set(&mut response, name, value);
            }
        }
    }
    Ok(response)
}

fn plain(status: StatusCode) -> Result<Response, String> {
    Response::builder().status(status).body(Body::empty()).map_err(|error| error.to_string())
}

fn set(response: &mut Response, name: HeaderName, value: HeaderValue) {
    response.headers_mut().insert(name, value);
}

fn status_of(value: &Json) -> Option<StatusCode> {
    let code = match value {
        Json::Number(number) => u16::try_from(number.as_u64()?).ok()?,
        Json::String(text) => text.parse().ok()?,
        _ => return None,
    };
    // Those below are no end of an exchange.
    StatusCode::from_u16(code).ok().filter(|status| status.as_u16() >= 200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{AuthLevel, DataType, OutputBinding, Trigger};
    use serde_json::json;

    async fn told(output: Json) -> Result<(u16, Option<String>, String), String> {
        let function = Function {
            name: "f".to_owned(),
            trigger: Trigger::Http { methods: Vec::new(), route: "f".to_owned(), auth_level: AuthLevel::Anonymous },
            trigger_binding: "req".to_owned(),
            outputs: vec![OutputBinding { name: "res".to_owned(), kind: Output::Http, data_type: DataType::Unset }],
            retry: None,
        };
        let outputs = json!({ "res": output });
        let reply = Reply { outputs: outputs.as_object().unwrap().clone(), ..Reply::default() };
        let response = answer(&function, &reply)?;
        let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
        Ok((status, content_type, String::from_utf8(body.to_vec()).unwrap()))
    }

    #[tokio::test]
    async fn forms_of_an_answer() {
        let text = |text: &str| Some(text.to_owned());
        let check = async |output: Json, expect: (u16, Option<String>, &str)| {
            let (status, content_type, body) = told(output.clone()).await.unwrap();
            assert_eq!((status, content_type, body.as_str()), expect, "{output}");
        };
        let words = text("text/plain; charset=utf-8");
        let json_type = text("application/json; charset=utf-8");
        check(json!({ "statusCode": "201", "body": "my world" }), (201, words.clone(), "my world")).await;
        check(json!({ "statusCode": 404, "body": { "a": 1 } }), (404, json_type, "{\"a\":1}")).await;
        check(json!({ "statusCode": "204" }), (204, None, "")).await;
        check(json!({ "STATUSCODE": "202", "Body": "x" }), (202, words.clone(), "x")).await;
        check(json!({}), (200, None, "")).await;
        check(Json::Null, (200, None, "")).await;
        check(json!({ "status": 404, "body": "x" }), (200, words, "x")).await;
        let headers = json!({ "body": "<p>", "headers": { "content-type": "text/html", "X-Number": 7 } });
        check(headers, (200, text("text/html"), "<p>")).await;
    }

    #[tokio::test]
    async fn what_is_no_answer_is_an_error_in_words() {
        for output in [json!("SomeBlah"), json!([1]), json!({ "statusCode": "x" }), json!({ "statusCode": 100 })] {
            assert!(told(output.clone()).await.is_err(), "{output}");
        }
        assert!(told(json!({ "headers": { "a b": "c" } })).await.is_err());
    }
}
