//! The certificates that this machine trusts: hundreds of files in some systems, read once in a process and not for each client.

use reqwest::ClientBuilder;
use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::{Arc, OnceLock};

static TRUSTED: OnceLock<Option<ClientConfig>> = OnceLock::new();

/// Lets the client of `builder` trust what this machine trusts, as it would by itself. Certificates that are added to the builder count no more.
pub fn trusting_this_machine(builder: ClientBuilder) -> ClientBuilder {
    match TRUSTED.get_or_init(read) {
        Some(config) => builder.tls_backend_preconfigured(config.clone()),
        // Then the client says what is wrong when it reads them itself.
        None => builder,
    }
}

fn read() -> Option<ClientConfig> {
    let installed = CryptoProvider::get_default().cloned();
    let provider = installed.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let mut config = builder.with_platform_verifier().ok()?.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(config)
}
