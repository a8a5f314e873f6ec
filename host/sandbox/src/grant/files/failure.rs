//! What went wrong, for the guest or for good.

use std::io;

use rustix::io::Errno;
use wasmtime::component::ResourceTableError;

use crate::account::Overdrawn;
use crate::bindings::files::wasi::filesystem::types::ErrorCode;

/// What the guest is told. An error of a stream carries it, for `filesystem-error-code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.name())]
pub(super) struct Refused(pub(super) ErrorCode);

/// The guest is told, or it is stopped.
pub(super) enum Failure {
    Told(ErrorCode),
    Trap(wasmtime::Error),
}

/// For the bindings: what the guest is told is an answer.
pub(super) fn answer<T>(result: Result<T, Failure>) -> wasmtime::Result<Result<T, ErrorCode>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Told(code)) => Ok(Err(code)),
        Err(Failure::Trap(error)) => Err(error),
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Told(refused.0)
    }
}

impl From<ErrorCode> for Refused {
    fn from(code: ErrorCode) -> Self {
        Self(code)
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Told(code)
    }
}

impl From<Overdrawn> for Failure {
    fn from(overdrawn: Overdrawn) -> Self {
        Self::Trap(overdrawn.into())
    }
}

impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

/// The words of the interface for what the system says. A path that would lead out is an error of `cap-std`'s own,
/// without a number.
impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        let told = Errno::from_io_error(&error).and_then(|errno| {
            Some(match errno {
                Errno::ACCESS => ErrorCode::Access,
                Errno::AGAIN => ErrorCode::WouldBlock,
                Errno::BADF => ErrorCode::BadDescriptor,
                Errno::BUSY | Errno::MFILE | Errno::NFILE => ErrorCode::Busy,
                Errno::DQUOT => ErrorCode::Quota,
                Errno::EXIST => ErrorCode::Exist,
                Errno::FBIG => ErrorCode::FileTooLarge,
                Errno::ILSEQ => ErrorCode::IllegalByteSequence,
                Errno::INTR => ErrorCode::Interrupted,
                Errno::INVAL => ErrorCode::Invalid,
                Errno::ISDIR => ErrorCode::IsDirectory,
                Errno::LOOP => ErrorCode::Loop,
                Errno::MLINK => ErrorCode::TooManyLinks,
                Errno::NAMETOOLONG => ErrorCode::NameTooLong,
                Errno::NODEV => ErrorCode::NoDevice,
                Errno::NOENT => ErrorCode::NoEntry,
                Errno::NOMEM => ErrorCode::InsufficientMemory,
                Errno::NOSPC => ErrorCode::InsufficientSpace,
                Errno::NOTDIR => ErrorCode::NotDirectory,
                Errno::NOTEMPTY => ErrorCode::NotEmpty,
                Errno::NOTSUP | Errno::NOSYS => ErrorCode::Unsupported,
                Errno::NXIO => ErrorCode::NoSuchDevice,
                Errno::OVERFLOW => ErrorCode::Overflow,
                Errno::PERM => ErrorCode::NotPermitted,
                Errno::PIPE => ErrorCode::Pipe,
                Errno::ROFS => ErrorCode::ReadOnly,
                Errno::SPIPE => ErrorCode::InvalidSeek,
                Errno::TXTBSY => ErrorCode::TextFileBusy,
                Errno::XDEV => ErrorCode::CrossDevice,
                _ => return None,
            })
        });
        Self(told.unwrap_or(match error.kind() {
            io::ErrorKind::PermissionDenied => ErrorCode::NotPermitted,
            io::ErrorKind::NotFound => ErrorCode::NoEntry,
            io::ErrorKind::InvalidInput => ErrorCode::Invalid,
            io::ErrorKind::InvalidData => ErrorCode::IllegalByteSequence,
            _ => ErrorCode::Io,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_has_a_word() {
        #[track_caller]
        fn check(error: io::Error, want: ErrorCode) {
            assert_eq!(Refused::from(error).0, want);
        }
        check(io::Error::from(Errno::NOENT), ErrorCode::NoEntry);
        check(io::Error::from(Errno::ACCESS), ErrorCode::Access);
        check(io::Error::from(Errno::MFILE), ErrorCode::Busy);
        check(io::Error::from(Errno::XDEV), ErrorCode::CrossDevice);
        check(io::Error::from(Errno::CANCELED), ErrorCode::Io);
        check(io::Error::new(io::ErrorKind::PermissionDenied, "leads out"), ErrorCode::NotPermitted);
        check(io::Error::new(io::ErrorKind::InvalidInput, "a zero byte"), ErrorCode::Invalid);
    }

    #[test]
    fn a_guest_that_asks_too_much_is_not_told_but_stopped() {
        assert!(matches!(answer::<()>(Err(Failure::Told(ErrorCode::Quota))), Ok(Err(ErrorCode::Quota))));
        assert!(answer::<()>(Err(ResourceTableError::Full.into())).is_err());
    }
}
