//! Addresses of registries, and whose word they stand on.

use super::unavailable::Unavailable;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Whose word an address stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Settings, environment or configuration files of the user.
    User,
    /// Files of a scanned repository. They may name anything, so only public addresses are asked.
    Project,
}

/// The address of a registry: http(s), ending in `/`, without user, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    url: Url,
    /// Whose word it stands on.
    pub trust: Trust,
}

impl Address {
    /// Reads an address. User and password are dropped: credentials have their own place. `None`: not an http address.
    ///
    /// A project's plain http becomes https.
    pub fn read(text: &str, trust: Trust) -> Option<Self> {
        let mut url = Url::parse(text.trim()).ok()?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return None;
        }
        if trust == Trust::Project && url.scheme() == "http" {
            url.set_scheme("https").ok()?;
        }
        url = without_secrets(&url);
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Some(Self { url, trust })
    }

    /// The address as a URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The address of what lies below: `below` is already encoded.
    pub(super) fn join(&self, below: &str) -> Result<Url, Unavailable> {
        // `Url::join` would take `a:b` for a scheme and `//a` for a host: the path is set instead.
        let mut url = self.url.clone();
        url.set_path(&format!("{}{below}", self.url.path()));
        let is_below = url.path().len() > self.url.path().len() && url.path().starts_with(self.url.path());
        if is_below && !below.contains(['?', '#']) {
            return Ok(url);
        }
        let reason = format!("`{}` is not the name of a package", below.escape_debug());
        Err(Unavailable::Refused { address: self.url.to_string(), reason })
    }
}

/// `url` without user, password, query and fragment: what may be shown and logged.
pub(super) fn without_secrets(url: &Url) -> Url {
    let mut url = url.clone();
    // Only a URL that cannot have a user refuses this, and then there is none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// Why an address that only a project names must not be asked; `None`: it looks public.
///
/// What a name resolves to is checked later, by [`may_be_resolved_to`].
pub(super) fn refusal_of_foreign(url: &Url) -> Option<&'static str> {
    if url.scheme() != "https" {
        return Some("only https is allowed for an address that a project names");
    }
    match url.host() {
        None => Some("it has no host"),
        Some(Host::Ipv4(ip)) => (!is_public(IpAddr::V4(ip))).then_some("a project names a private address"),
        Some(Host::Ipv6(ip)) => (!is_public(IpAddr::V6(ip))).then_some("a project names a private address"),
        Some(Host::Domain(name)) => {
            const PRIVATE: [&str; 9] =
                ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa"];
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let is_private = !name.contains('.')
                || PRIVATE.iter().any(|zone| name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.')));
            is_private.then_some("a project names a private host")
        }
    }
}

/// Whether a name that only a project gives may stand for `ip`: not for this machine, its link, or many machines at once.
pub(super) fn may_be_resolved_to(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let is_of_link = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast() || ip.octets()[0] == 0,
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !(is_of_link || ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
}

/// Whether an IP address belongs to the public Internet. Forms that embed an IPv4 address are not taken for public.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or_else(|| is_public_v6(ip), is_public_v4),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // carrier-grade NAT
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 198 && (b == 18 || b == 19)); // benchmarks
    !(is_special || ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_documentation())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let is_global_unicast = a & 0xe000 == 0x2000;
    let is_special = a == 0x2002 || (a == 0x2001 && (b == 0 || b == 0x0db8));
    is_global_unicast && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, allowed: bool) {
        assert_eq!(refusal_of_foreign(&Url::parse(url).unwrap()).is_none(), allowed, "{url}");
    }

    #[test]
    fn projects_may_name_public_hosts_only() {
        check("https://registry.example/", true);
        check("https://registry.example:8443/npm/", true);
        check("https://8.8.8.8/", true);
        check("http://registry.example/", false);
        check("https://localhost/", false);
        check("https://npm/", false);
        check("https://metadata.google.internal./", false);
        check("https://a.localhost/", false);
        check("https://127.0.0.1/", false);
        check("https://0x7f.1/", false);
        check("https://2130706433/", false);
        check("https://169.254.169.254/latest/", false);
        check("https://10.0.0.1/", false);
        check("https://100.64.0.1/", false);
        check("https://[::1]/", false);
        check("https://[::ffff:10.0.0.1]/", false);
        check("https://[fd00::1]/", false);
        check("https://[fe80::1]/", false);
        check("https://[64:ff9b::a00:1]/", false);
        check("https://[2002:a00:1::]/", false);
        check("https://[2606:4700::1]/", true);
    }

    #[test]
    fn names_of_projects_never_stand_for_this_machine_or_its_link() {
        for (ip, allowed) in [
            ("127.0.0.53", false), ("169.254.169.254", false), ("0.0.0.0", false), ("0.1.2.3", false), ("::1", false), ("::", false),
            ("fe80::1", false), ("::ffff:127.0.0.1", false), ("224.0.0.1", false), ("10.0.0.1", true), ("2606:4700::1", true),
        ] {
            assert_eq!(may_be_resolved_to(ip.parse().unwrap()), allowed, "{ip}");
        }
    }

    #[test]
    fn an_address_ends_in_a_slash_and_carries_no_credential() {
        let address = Address::read("https://me:pw@registry.example/npm?x=1#y", Trust::User).unwrap();
        assert_eq!(address.url().as_str(), "https://registry.example/npm/");
        assert_eq!(Address::read("file:///etc/passwd", Trust::User), None);
        assert_eq!(Address::read("//registry.example/", Trust::User), None);
    }

    #[test]
    fn plain_http_of_a_project_becomes_https() {
        let address = Address::read("http://registry.example/", Trust::Project).unwrap();
        assert_eq!(address.url().scheme(), "https");
    }

    #[test]
    fn names_cannot_climb_out_of_the_registry() {
        let address = Address::read("https://registry.example/npm/", Trust::User).unwrap();
        assert_eq!(address.join("@babel%2fcore").unwrap().as_str(), "https://registry.example/npm/@babel%2fcore");
        for name in ["..", "../x", "", ".", "%2e%2e", "a?b", "a#b"] {
            assert!(address.join(name).is_err(), "{name}");
        }
    }
}
