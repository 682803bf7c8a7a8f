package minos

// Home is where an operation is documented, whatever address it is called at.
var Home = home
