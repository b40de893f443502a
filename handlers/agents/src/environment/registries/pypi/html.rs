//! The page of an index that has only HTML (PEP 503): one link a file.

use super::{Metadata, Project, ProjectFile, project, read_sha256};
use html5gum::{Token, Tokenizer};
use percent_encoding::percent_decode_str;
use url::Url;

/// Reads the links of a page. It has no times, so no release of it has one.
pub(in crate::environment::registries) fn read_html(text: &str, page: &Url, name: &str) -> Project {
    let mut files = Vec::new();
    let mut base = page.clone();
    for token in Tokenizer::new(text) {
        let Ok(Token::StartTag(tag)) = token else { continue };
        let attribute = |name: &str| {
            let value = tag.attributes.iter().find(|(key, _)| key.as_slice() == name.as_bytes())?.1;
            Some(String::from_utf8_lossy(value.as_slice()).into_owned())
        };
        match tag.name.as_slice() {
            b"base" => {
                if let Some(url) = attribute("href").and_then(|href| page.join(&href).ok()) {
                    base = url;
                }
            }
            b"a" => files.extend(attribute("href").and_then(|href| file(&href, &base, attribute))),
            _ => {}
        }
    }
    project(files, &[], page, name)
}

fn file(href: &str, base: &Url, attribute: impl Fn(&str) -> Option<String>) -> Option<ProjectFile> {
    let url = base.join(href).ok()?;
    let name = percent_decode_str(url.path_segments()?.next_back()?).decode_utf8().ok()?.into_owned();
    let hash = |text: &str| text.split('&').find_map(|part| read_sha256(part.strip_prefix("sha256=")?));
    let metadata = attribute("data-core-metadata").or_else(|| attribute("data-dist-info-metadata"));
    Some(ProjectFile {
        name,
        sha256: url.fragment().and_then(hash),
        url: url.to_string(),
        requires_python: attribute("data-requires-python").filter(|range| !range.trim().is_empty()),
        published: None,
        yanked: attribute("data-yanked").is_some(),
        metadata: match metadata {
            None => Metadata::Unsaid,
            Some(text) if text == "false" => Metadata::Absent,
            Some(text) => Metadata::Present(hash(&text)),
        },
    })
}
