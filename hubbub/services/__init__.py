"""Operations: the business rules as async functions, independent of the transport."""
