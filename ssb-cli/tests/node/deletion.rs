//! What the owner deletes is gone, stays gone, and comes back only if the owner wants so.

use super::home::Home;
use super::home::Node;
use super::home::text;

fn key(message: &str) -> String {
    let (_, rest) = message.split_once("\"key\": \"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn a_deleted_message_stays_gone_until_it_is_undone() {
    let home = Home::new();
    let node = home.start();
    let publish = |text: &str| home.answer(&node, &["publish", "--type", "post", "--text", text]);
    let [one, two, three] = ["one", "two", "three"].map(publish);
    let id = key(&two);

    assert_eq!(home.answer(&node, &["del", &id]), "false\n");

    let log = |node: &Node| home.answer(node, &["log"]);
    assert_eq!(log(&node), format!("{one}\n{three}\n"));
    node.stop();
    let node = home.start();
    assert_eq!(log(&node), format!("{one}\n{three}\n"));
    let error = text(&home.call(&node, &["get", &id]).stderr);
    assert!(error.contains("not found"), "{error}");

    assert_eq!(home.answer(&node, &["undel", &id]), "true\n");
    let all = log(&node);
    assert!(all.contains("\"text\": \"two\""), "{all}");
    node.stop();
}

#[test]
fn the_own_feed_cannot_be_deleted() {
    let home = Home::new();
    let node = home.start();
    home.answer(&node, &["publish", "--type", "post", "--text", "one"]);

    let error = text(&home.call(&node, &["del", &home.id()]).stderr);

    assert!(error.contains("own feed"), "{error}");
    node.stop();
}
