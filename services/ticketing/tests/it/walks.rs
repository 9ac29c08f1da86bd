//! Every operation: rights and bad input.

#[tokio::test]
async fn every_operation_asks_for_its_right() {
    testkit::permission_walk(ticketing::module()).await;
}

#[tokio::test]
async fn bad_input_gets_a_problem() {
    testkit::bad_input_walk(ticketing::module()).await;
}
