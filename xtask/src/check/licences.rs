use crate::workspace::Metadata;

/// The licences we take, each with why it does not bind what links it.
const TAKEN: [(&str, &str); 11] = [
    ("Apache-2.0", "ours"),
    ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 with more freedom"),
    ("MIT", "notice only"),
    ("MIT-0", "no condition"),
    ("BSD-2-Clause", "notice only"),
    ("BSD-3-Clause", "notice only"),
    ("ISC", "notice only"),
    ("Zlib", "notice only"),
    ("Unicode-3.0", "notice only; Unicode's data"),
    ("CDLA-Permissive-2.0", "permissive, for data: the root certificates"),
    ("0BSD", "no condition"),
];

/// Names every dependency whose licence is not among those taken.
pub(crate) fn check(metadata: &Metadata) -> Vec<String> {
    let refused = |package: &&crate::workspace::Package| !package.license.as_deref().is_some_and(is_taken);
    let told = |package: &crate::workspace::Package| {
        format!(
            "`{} {}` is under `{}`, which is not on the list",
            package.name,
            package.version,
            package.license.as_deref().unwrap_or("no licence")
        )
    };
    metadata.dependencies().filter(refused).map(told).collect()
}

/// Does an SPDX expression leave us a choice of taken licences?
///
/// `OR` binds weaker than `AND`, and `/` is the old way to write `OR`. Parentheses occur around one side only.
fn is_taken(expression: &str) -> bool {
    let expression = expression.trim();
    if let Some(parts) = split(expression, &[" OR ", "/"]) {
        return parts.into_iter().any(is_taken);
    }
    if let Some(parts) = split(expression, &[" AND "]) {
        return parts.into_iter().all(is_taken);
    }
    if let Some(inner) = expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return is_taken(inner);
    }
    TAKEN.iter().any(|(name, _)| *name == expression)
}

/// Splits at the separators outside parentheses; `None` when there is none.
fn split<'e>(expression: &'e str, separators: &[&str]) -> Option<Vec<&'e str>> {
    let (mut parts, mut depth, mut rest, mut at) = (Vec::new(), 0_i32, expression, 0_usize);
    while let Some((before, here)) = rest.split_at_checked(at) {
        if depth == 0
            && let Some(after) = separators.iter().find_map(|separator| here.strip_prefix(separator))
        {
            parts.push(before);
            (rest, at) = (after, 0);
            continue;
        }
        let Some(character) = here.chars().next() else { break };
        match character {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at = at.saturating_add(character.len_utf8());
    }
    if parts.is_empty() {
        return None;
    }
    parts.push(rest);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_an_expression_that_leaves_a_choice() {
        for expression in [
            "MIT",
            "MIT OR Apache-2.0",
            "Apache-2.0/MIT",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "Apache-2.0 AND ISC",
        ] {
            assert!(is_taken(expression), "{expression}");
        }
    }

    #[test]
    fn refuses_an_expression_that_binds() {
        for expression in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR Apache-2.0) AND MPL-2.0",
            "",
            "MIT OR",
            "AGPL-3.0/SSPL-1.0",
        ] {
            assert!(!is_taken(expression), "{expression}");
        }
    }
}
