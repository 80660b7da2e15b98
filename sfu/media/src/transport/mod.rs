//! The transport of one peer: ICE, DTLS, SRTP and data channels.
