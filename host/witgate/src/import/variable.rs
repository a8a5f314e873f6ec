/// What VS Code and Cursor fill in by themselves.
const EDITORS: [&str; 5] = ["workspaceFolder", "workspaceFolderBasename", "userHome", "pathSeparator", "/"];

/// Their variables as ours: `${VAR}` and `${VAR:-default}` stay (Claude Code), `${env:VAR}` becomes `${VAR}`, and
/// `${input:name}` the variable `NAME` (VS Code). Anything else is text, and is escaped to stay it.
pub(super) fn translate(text: &str, note: &mut dyn FnMut(String)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(end) = rest.find('}') else { break };
        let (written, after) = rest.split_at(end + 1);
        let inside = &written[2..end];
        let name = inside.split_once(":-").map_or(inside, |(name, _)| name);
        if !out.ends_with('$') && is_name(name) {
            if EDITORS.contains(&name) {
                note(format!("`{written}` is an editor's: set the environment variable `{name}`, or edit it"));
            }
            out.push_str(written);
        } else if let Some(name) = inside.strip_prefix("env:").filter(|name| is_name(name) && !out.ends_with('$')) {
            out.extend(["${", name, "}"]);
        } else if let Some(name) = inside.strip_prefix("input:").map(as_name).filter(|name| is_name(name)) {
            let name = name.as_str();
            note(format!("`{written}` asks a person: set the environment variable `{name}`"));
            out.extend(["${", name, "}"]);
        } else {
            note(format!("`{written}` means nothing here and stays as text: edit it"));
            out.push('$');
            out.push_str(written);
        }
        rest = after;
    }
    out.push_str(&rest.replace("${", "$${"));
    out
}

fn as_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
