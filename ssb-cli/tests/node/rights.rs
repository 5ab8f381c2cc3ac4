//! Who may do what: it depends on the key, and on who dialed.

use std::net::Ipv4Addr;
use std::net::TcpListener;

use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::secret_file;

use super::home::Home;
use super::line::Line;

const REFUSED: &str = "method:whoami is not in list of allowed methods";

#[test]
fn a_master_who_dials_may_do_everything_and_a_stranger_may_not() {
    let (home, master) = (Home::new(), Keypair::from_seed(&[5; 32]));
    let node = home.start_with(&["--master", &master.id().to_string()]);
    let call = |who: &Keypair| {
        let mut line = Line::dial(&home, &node, who);
        line.open();
        line.call("whoami")
    };

    assert_eq!(call(&master), Ok(format!("{{\"id\":\"{}\"}}", home.id())));
    assert_eq!(call(&Keypair::from_seed(&[6; 32])), Err(REFUSED.to_owned()));
}

#[test]
fn whoever_the_node_dialed_is_a_stranger_whatever_its_key() {
    let (home, master) = (Home::new(), Keypair::from_seed(&[5; 32]));
    let node = home.start_with(&["--master", &master.id().to_string()]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (port, key) = (listener.local_addr().unwrap().port(), base64::encode(master.id().as_bytes()));
    let address = format!("net:127.0.0.1:{port}~shs:{key}");
    let dialing = home.call_in_background(&node, &["gossip.connect", &address]);

    let mut line = Line::accept(listener.accept().unwrap().0, &master);
    line.open();

    assert_eq!(line.call("whoami"), Err(REFUSED.to_owned()));
    assert!(dialing.wait_with_output().unwrap().status.success());
}

#[test]
fn the_own_key_may_do_everything() {
    let home = Home::new();
    let node = home.start();
    let me = secret_file::load(&home.file("secret")).unwrap();
    let mut line = Line::dial(&home, &node, &me);
    line.open();

    assert!(line.call("whoami").is_ok());
}
