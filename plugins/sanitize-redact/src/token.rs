//! Secrets that have a form of their own. Each search goes over the text once; all bounds are on ASCII characters.

use std::ops::Range;

use memchr::memmem;

use crate::rules::{Rule, Rules};

/// A kind of token: how it begins, what follows, and how much of that at least.
pub(crate) struct Form {
    pub(crate) prefix: &'static [u8],
    follows: fn(u8) -> bool,
    at_least: usize,
}

const fn form(prefix: &'static str, follows: fn(u8) -> bool, at_least: usize) -> Form {
    Form { prefix: prefix.as_bytes(), follows, at_least }
}

pub(crate) const FORMS: [Form; 29] = [
    form("AKIA", is_upper, 16),
    form("ASIA", is_upper, 16),
    form("ghp_", is_alnum, 30),
    form("gho_", is_alnum, 30),
    form("ghu_", is_alnum, 30),
    form("ghs_", is_alnum, 30),
    form("ghr_", is_alnum, 30),
    form("github_pat_", is_word, 22),
    form("glpat-", is_dashed, 20),
    form("AIza", is_dashed, 35),
    form("ya29.", is_dashed, 20),
    form("hf_", is_alnum, 30),
    form("npm_", is_alnum, 36),
    form("pypi-", is_dashed, 50),
    form("sk-", is_dashed, 20),
    form("sk_live_", is_alnum, 16),
    form("sk_test_", is_alnum, 16),
    form("rk_live_", is_alnum, 16),
    form("rk_test_", is_alnum, 16),
    form("pk_live_", is_alnum, 16),
    form("whsec_", is_alnum, 16),
    form("xoxa-", is_dashed, 10),
    form("xoxb-", is_dashed, 10),
    form("xoxc-", is_dashed, 10),
    form("xoxd-", is_dashed, 10),
    form("xoxe-", is_dashed, 10),
    form("xoxp-", is_dashed, 10),
    form("xoxs-", is_dashed, 10),
    form("xapp-", is_dashed, 10),
];

fn is_upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_dashed(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

/// The search for tokens in a text: it is told where one may begin, in order.
pub(crate) struct Search<'r, 't> {
    bytes: &'t [u8],
    rules: &'r Rules,
    /// The end of the last one; what stands before it is done with.
    done: usize,
    has_pem: bool,
}

impl<'r, 't> Search<'r, 't> {
    pub(crate) fn new(rules: &'r Rules, text: &'t str) -> Self {
        Self { bytes: text.as_bytes(), rules, done: 0, has_pem: false }
    }

    /// What may begin at a word's first byte, and what follows it without a gap.
    pub(crate) fn word(&mut self, mut at: usize, spans: &mut Vec<Range<usize>>) {
        if self.bytes.get(at) == Some(&b'-') {
            self.has_pem = true;
            return;
        }
        if at < self.done || at > 0 && is_word(self.bytes[at - 1]) {
            return;
        }
        while let Some(len) = self.bytes.get(at..).and_then(|rest| self.token_len(rest)) {
            spans.push(at..at + len);
            at += len;
            self.done = at;
        }
    }

    /// Cards and social security numbers among the digits, blanks and dashes from `at` on.
    pub(crate) fn numerals(&mut self, mut at: usize, spans: &mut Vec<Range<usize>>) {
        while let Some(byte) = self.bytes.get(at).filter(|byte| is_numeral(**byte)) {
            if byte.is_ascii_digit() {
                self.word(at, spans);
                at += run(&self.bytes[at..], |byte| byte.is_ascii_digit());
            } else {
                at += 1;
            }
        }
    }

    /// The address around an `@`.
    pub(crate) fn address(&self, at: usize, spans: &mut Vec<Range<usize>>) {
        if self.rules.has(Rule::Email) {
            spans.extend(email(self.bytes, at));
        }
    }

    pub(crate) fn finish(self, spans: &mut Vec<Range<usize>>) {
        if self.has_pem && self.rules.has(Rule::PrivateKey) {
            private_keys(self.bytes, spans);
        }
    }

    pub(crate) fn token_len(&self, rest: &[u8]) -> Option<usize> {
        match rest.first()? {
            b'0'..=b'9' => (self.rules.has(Rule::Card).then(|| card_len(rest)).flatten())
                .or_else(|| self.rules.has(Rule::Ssn).then(|| ssn_len(rest)).flatten()),
            b'e' if self.rules.has(Rule::Jwt) && rest.starts_with(b"ey") => jwt_len(rest),
            b'A' | b'g' | b'h' | b'n' | b'p' | b'r' | b's' | b'w' | b'x' | b'y' if self.rules.has(Rule::Keys) => {
                key_len(rest)
            }
            _ => None,
        }
    }
}

fn is_numeral(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b' ' | b'-')
}

/// How many bytes from the beginning on fit.
pub(crate) fn run(bytes: &[u8], fits: fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !fits(*byte)).unwrap_or(bytes.len())
}

fn key_len(rest: &[u8]) -> Option<usize> {
    let form = FORMS.iter().find(|form| rest.starts_with(form.prefix))?;
    let len = run(&rest[form.prefix.len()..], form.follows);
    (len >= form.at_least).then_some(form.prefix.len() + len)
}

fn jwt_len(rest: &[u8]) -> Option<usize> {
    let header = run(rest, is_dashed);
    let claims = rest.get(header + 1..).filter(|_| rest[header] == b'.').map(|tail| run(tail, is_dashed))?;
    let dot = header + 1 + claims;
    // An unsigned token has its second dot and nothing behind it.
    let signature = rest.get(dot).filter(|byte| **byte == b'.').map(|_| run(&rest[dot + 1..], is_dashed))?;
    (header >= 10 && claims >= 4).then_some(dot + 1 + signature)
}

/// 13 to 19 digits, in groups or not, that an issuer could have given out. Of several ends the last one that is right.
fn card_len(rest: &[u8]) -> Option<usize> {
    if !(b'2'..=b'6').contains(&rest[0]) {
        return None;
    }
    let (mut digits, mut end, mut found) = ([0; 19], 0, None);
    let mut count = 0;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'0'..=b'9' if count < digits.len() => {
                digits[count] = byte - b'0';
                count += 1;
                end = at + 1;
                let bounded = rest.get(end).is_none_or(|next| !is_word(*next));
                let digits = &digits[..count];
                if bounded && count >= 13 && luhn(digits) && digits.iter().any(|digit| *digit != digits[0]) {
                    found = Some(end);
                }
            }
            // One separator between digits.
            b' ' | b'-' if at == end => {}
            _ => break,
        }
    }
    found
}

fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(if place % 2 == 1 { doubled(*digit) } else { *digit }))
        .sum();
    sum.is_multiple_of(10)
}

/// `AAA-GG-SSSS`, but for what was never given out.
fn ssn_len(rest: &[u8]) -> Option<usize> {
    let form = rest.get(..11)?;
    let shaped = form.iter().enumerate().all(|(at, byte)| match at {
        3 | 6 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let given =
        form[0] != b'9' && !matches!(&form[..3], b"000" | b"666") && &form[4..6] != b"00" && &form[7..] != b"0000";
    let bounded = rest.get(11).is_none_or(|byte| !is_dashed(*byte));
    (shaped && given && bounded).then_some(11)
}

/// The address around an `@`.
pub(crate) fn email(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte);
    let start = bytes[..at].iter().rposition(|byte| !is_local(byte)).map_or(0, |before| before + 1);
    let domain = &bytes[at + 1..];
    let len = run(domain, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let domain = &domain[..len];
    let domain = &domain[..=domain.iter().rposition(u8::is_ascii_alphanumeric)?];
    let top = domain.rsplit(|byte| *byte == b'.').next()?;
    let named = top.len() >= 2 && top.len() < domain.len() && top.iter().all(u8::is_ascii_alphabetic);
    (start < at && named).then_some(start..at + 1 + domain.len())
}

/// From `-----BEGIN … PRIVATE KEY…-----` to the end of the block, or of the text.
pub(crate) fn private_keys(bytes: &[u8], spans: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(at) = memmem::find(&bytes[from..], b"-----BEGIN ").map(|at| from + at) {
        let label = &bytes[at + 11..];
        let label = &label[..memmem::find(label, b"-----").unwrap_or(label.len())];
        from = at + 11 + label.len();
        if label.len() > 64 || memmem::find(label, b"PRIVATE KEY").is_none() {
            continue;
        }
        let rest = &bytes[from..];
        let end = memmem::find(rest, b"-----END ").and_then(|end| {
            let close = memmem::find(&rest[end + 9..], b"-----")?;
            Some(end + 9 + close + 5)
        });
        let end = end.map_or(bytes.len(), |end| from + end);
        spans.push(at..end);
        from = end;
    }
}
