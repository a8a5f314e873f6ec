// Documents: JSON that the host holds.

#ifndef WITGATE_DOCUMENT_H
#define WITGATE_DOCUMENT_H

#include "json.h"

typedef witgate_types_types_own_document_t wg_document;

static inline witgate_types_types_borrow_document_t wg_borrowed(wg_document document) {
  return (witgate_types_types_borrow_document_t){document.__handle};
}

static inline wg_text wg_whole(wg_document document) {
  wg_text text;
  witgate_types_types_method_document_text(wg_borrowed(document), &text);
  return text;
}

// The JSON text at a pointer; false when nothing is there.
static inline bool wg_get(wg_document document, wg_text pointer, wg_text *json) {
  return witgate_types_types_method_document_get(wg_borrowed(document), &pointer, json);
}

// The string at a pointer; false when there is none.
static inline bool wg_get_string(wg_document document, wg_text pointer, wg_text *text) {
  wg_text json;
  if (!wg_get(document, pointer, &json) || wg_type(json) != 's') return false;
  *text = wg_unquoted(json);
  return true;
}

#endif
