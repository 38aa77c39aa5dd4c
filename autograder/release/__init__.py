"""From a course's one source to what is handed out."""
