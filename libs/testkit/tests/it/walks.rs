//! The walks over all operations, and the documents they walk.

use crate::notes;

#[tokio::test]
async fn rights_are_as_declared() {
    testkit::permission_walk(notes::module()).await;
}

#[tokio::test]
async fn bad_input_is_refused() {
    testkit::bad_input_walk(notes::module()).await;
}

#[test]
fn dead_letters_stand_in_the_document_of_the_service() {
    let document = serde_json::to_value(host::openapi(&notes::module())).unwrap();
    let operation = &document["paths"]["/api/v1/notes/dead-letters/{id}/redrive"]["post"];
    assert_eq!(operation["parameters"].as_array().unwrap().len(), 1, "{operation:#}");
    assert!(document["components"]["schemas"]["DeadLetterPage"].is_object());
    assert!(document["paths"]["/api/v1/{service}/dead-letters"].is_null());
}
