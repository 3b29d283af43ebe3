// A form that waited for a proof goes on by itself.

document.querySelector("#kept").requestSubmit();
