//! The secret file on a real disk.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use ssb_keys::Keypair;
use ssb_keys::secret_file;
use ssb_keys::secret_file::FILE_LEN_MAX;
use ssb_keys::secret_file::LoadCause;
use ssb_keys::secret_file::ParseSecretError;

#[test]
fn a_created_secret_is_loaded_again_and_only_its_owner_can_read_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let pair = Keypair::from_seed(&[3; 32]);

    secret_file::create(&path, &pair).unwrap();

    assert_eq!(secret_file::load(&path).unwrap().id(), pair.id());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o400);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_secret_is_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    fs::write(&path, "not even a key").unwrap();

    let error = secret_file::create(&path, &Keypair::from_seed(&[3; 32])).unwrap_err();

    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&path).unwrap(), "not even a key");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_secret_that_others_can_read_is_refused_and_the_fix_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    secret_file::create(&path, &Keypair::from_seed(&[3; 32])).unwrap();

    for mode in [0o440, 0o404, 0o420, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = secret_file::load(&path).unwrap_err();
        assert!(matches!(error.cause, LoadCause::Exposed { mode: named } if named == mode));
        assert!(error.to_string().contains("chmod 400"), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(secret_file::load(&path).is_ok());
}

#[test]
fn every_kind_of_damage_has_its_own_error() {
    let good = secret_file::to_text(&Keypair::from_seed(&[3; 32]));
    let other = ssb_keys::base64::encode(Keypair::from_seed(&[4; 32]).id().as_bytes());
    let own = ssb_keys::base64::encode(Keypair::from_seed(&[3; 32]).id().as_bytes());
    let cases = [
        (String::new(), ParseSecretError::Empty),
        ("# only\n# comments\n".to_owned(), ParseSecretError::Empty),
        (format!("\u{feff}{}", good.as_str()), ParseSecretError::ByteOrderMark),
        (good.split("\"private\"").next().unwrap().to_owned(), ParseSecretError::NotJson),
        (good.replace("\"curve\": \"ed25519\"", "\"curve\": \"k256\""), ParseSecretError::Curve),
        (good.replace("\"private\"", "\"secret\""), ParseSecretError::Field { name: "private" }),
        (good.replace("\"public\": \"", "\"public\": \"*"), ParseSecretError::Field { name: "public" }),
        (
            good.replace(&format!("\"public\": \"{own}"), &format!("\"public\": \"{other}")),
            ParseSecretError::Halves,
        ),
        (
            good.replace(&format!("\"id\": \"@{own}"), &format!("\"id\": \"@{other}")),
            ParseSecretError::Halves,
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(secret_file::parse(&text).unwrap_err(), expected);
    }
}

#[test]
fn a_missing_a_huge_and_a_binary_file_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    assert!(secret_file::load(&path).unwrap_err().is_missing());

    let owner_only = fs::Permissions::from_mode(0o600);
    let limit = usize::try_from(FILE_LEN_MAX).unwrap();
    let mut padded = secret_file::to_text(&Keypair::from_seed(&[3; 32])).to_string();
    padded.push_str("\n#");
    padded.push_str(&" ".repeat(limit - padded.len()));
    fs::write(&path, &padded).unwrap();
    fs::set_permissions(&path, owner_only.clone()).unwrap();
    assert!(secret_file::load(&path).is_ok(), "at the limit");

    padded.push(' ');
    fs::write(&path, &padded).unwrap();
    assert!(matches!(secret_file::load(&path).unwrap_err().cause, LoadCause::TooLong));

    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(
        secret_file::load(&path).unwrap_err().cause,
        LoadCause::Text(ParseSecretError::NotUtf8)
    ));
}
