//! Short-link services: what such a link leads to is the choice of whoever made it, and may change after it was checked.

/// Services that are common in Chinese traffic, and the large ones elsewhere. Links that a platform mints for the company itself
/// (`wxaurl.cn`) are none.
const SERVICES: [&str; 40] = [
    "t.cn",
    "url.cn",
    "dwz.cn",
    "dwz.lc",
    "suo.im",
    "suo.nz",
    "suo.yt",
    "sourl.cn",
    "sinaurl.cn",
    "mrw.so",
    "985.so",
    "t.hk.uy",
    "tb.cn",
    "3.cn",
    "u.jd.com",
    "b23.tv",
    "xhslink.com",
    "v.douyin.com",
    "v.kuaishou.com",
    "zurl.cn",
    "rrd.me",
    "u.nu",
    "bit.ly",
    "bitly.com",
    "tinyurl.com",
    "t.co",
    "goo.gl",
    "is.gd",
    "v.gd",
    "ow.ly",
    "buff.ly",
    "cutt.ly",
    "rebrand.ly",
    "rb.gy",
    "shorturl.at",
    "tiny.cc",
    "s.id",
    "lnkd.in",
    "fb.me",
    "amzn.to",
];

/// Is the host, or the name it lies below, a short-link service?
pub fn is_short_link_service(host: &str) -> bool {
    SERVICES.iter().any(|service| super::policy::is_at_or_below(host, service))
}
