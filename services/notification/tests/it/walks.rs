//! Every operation × every role, and × every kind of bad input.

#[tokio::test]
async fn rights_are_asked_for_exactly_where_the_document_says() {
    testkit::permission_walk(notification::module()).await;
}

#[tokio::test]
async fn bad_input_is_answered_with_problems() {
    testkit::bad_input_walk(notification::module()).await;
}
