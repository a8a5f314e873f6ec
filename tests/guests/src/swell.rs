//! More in a component than anybody needs: sections appended to one that is built.

/// The component with one more core module, in the text format, and so many instances of it beside its own.
pub fn swell(component: &[u8], module: &str, instances: u32) -> Vec<u8> {
    let module = wat::parse_str(module).expect("a module");
    let index = core_modules(component);
    let mut swollen = component.to_vec();
    section(&mut swollen, CORE_MODULE, &module);
    let mut body = leb128(instances);
    for _ in 0..instances {
        // `(instantiate $module)` without arguments.
        body.push(0);
        body.extend(leb128(index));
        body.push(0);
    }
    section(&mut swollen, CORE_INSTANCE, &body);
    swollen
}

/// The component with a custom section of so many bytes.
pub fn pad(component: &[u8], bytes: usize) -> Vec<u8> {
    let mut padded = component.to_vec();
    // The empty name's length, then the padding.
    section(&mut padded, CUSTOM, &vec![0; bytes + 1]);
    padded
}

const CUSTOM: u8 = 0;
const CORE_MODULE: u8 = 1;
const CORE_INSTANCE: u8 = 2;
/// The magic number, the version and the layer.
const PREAMBLE_BYTES: usize = 8;

fn section(component: &mut Vec<u8>, id: u8, body: &[u8]) {
    component.push(id);
    component.extend(leb128(u32::try_from(body.len()).expect("a section's length")));
    component.extend_from_slice(body);
}

/// How many core modules there are already, which is the index of the next.
fn core_modules(component: &[u8]) -> u32 {
    let mut count = 0;
    let mut at = PREAMBLE_BYTES;
    while let Some(&id) = component.get(at) {
        count += u32::from(id == CORE_MODULE);
        let (length, width) = read_leb128(&component[at + 1..]);
        at += 1 + width + length;
    }
    count
}

fn leb128(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let seven = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            bytes.push(seven);
            return bytes;
        }
        bytes.push(seven | 0x80);
    }
}

/// A number, and how many bytes it took.
fn read_leb128(bytes: &[u8]) -> (usize, usize) {
    let width = bytes.iter().position(|byte| byte & 0x80 == 0).expect("a number's end") + 1;
    let value = bytes[..width].iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f));
    (value, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_there_and_back() {
        for value in [0, 1, 127, 128, 300, 65_536, u32::MAX] {
            let bytes = leb128(value);
            assert_eq!(read_leb128(&bytes), (value as usize, bytes.len()), "{value}");
        }
    }

    #[test]
    fn what_is_appended_is_counted() {
        let component = crate::pass(crate::Stage::Route);
        let before = core_modules(&component);
        let swollen = swell(&component, "(module)", 3);
        assert_eq!(core_modules(&swollen), before + 1);
        assert_eq!(core_modules(&pad(&swollen, 1000)), before + 1);
    }
}
