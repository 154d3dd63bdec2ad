INSERT INTO page_views (tracking_id, type, scheme, path, query)
VALUES ('pgbench', 'page_enter', 'https', '/movies', '[["sort", "new"]]');
