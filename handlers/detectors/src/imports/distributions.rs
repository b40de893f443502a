//! Distributions of Python and the names of their modules.

/// Distributions of which every module and program is known, and that no other loads without saying that it needs them.
const KNOWN: &[(&str, &[&str])] = &[
    ("apache-airflow", &["airflow"]),
    ("bottle", &["bottle"]),
    ("celery", &["celery"]),
    ("cherrypy", &["cherrypy"]),
    ("django", &["django"]),
    ("djangorestframework", &["rest_framework"]),
    ("ecdsa", &["ecdsa"]),
    ("fastapi", &["fastapi"]),
    ("feedparser", &["feedparser"]),
    ("flask", &["flask"]),
    ("gradio", &["gradio", "gradio_client"]),
    ("h11", &["h11"]),
    ("httplib2", &["httplib2"]),
    ("mechanize", &["mechanize"]),
    ("mlflow", &["mlflow"]),
    ("oauthlib", &["oauthlib"]),
    ("pyramid", &["pyramid"]),
    ("pysaml2", &["saml2", "saml2test", "utility"]),
    ("python-jose", &["jose"]),
    ("rsa", &["rsa", "pyrsa"]),
    ("sanic", &["sanic"]),
    ("scrapy", &["scrapy"]),
    ("sqlparse", &["sqlparse", "sqlformat"]),
    ("starlette", &["starlette"]),
    ("streamlit", &["streamlit"]),
    ("waitress", &["waitress"]),
    ("zipp", &["zipp"]),
];

/// Distributions whose modules have names that do not follow from their own. They may have others besides, or be loaded unasked.
const UNLIKE: &[(&str, &[&str])] = &[
    ("attrs", &["attr"]),
    ("beautifulsoup4", &["bs4"]),
    ("biopython", &["bio"]),
    ("djangorestframework-simplejwt", &["rest_framework_simplejwt"]),
    ("gitpython", &["git"]),
    ("memcached", &["memcache"]),
    ("msgpack-python", &["msgpack"]),
    ("mysql-connector-python", &["mysql"]),
    ("mysqlclient", &["mysqldb"]),
    ("opencv-contrib-python", &["cv2"]),
    ("opencv-python", &["cv2"]),
    ("opencv-python-headless", &["cv2"]),
    ("pillow", &["pil"]),
    ("protobuf", &["google"]),
    ("psycopg2-binary", &["psycopg2"]),
    ("pycrypto", &["crypto"]),
    ("pycryptodome", &["crypto"]),
    ("pycryptodomex", &["cryptodome"]),
    ("pyjwt", &["jwt"]),
    ("pymupdf", &["fitz"]),
    ("pyopenssl", &["openssl"]),
    ("pyserial", &["serial"]),
    ("python-dateutil", &["dateutil"]),
    ("python-ldap", &["ldap"]),
    ("python-memcached", &["memcache"]),
    ("python-multipart", &["multipart", "python_multipart"]),
    ("pywin32", &["win32api", "win32com", "win32con", "pythoncom"]),
    ("pyyaml", &["yaml"]),
    ("pyzmq", &["zmq"]),
    ("scikit-learn", &["sklearn"]),
    ("setuptools", &["pkg_resources"]),
    ("twisted", &["twisted", "twistd", "trial"]),
];

/// Names of modules and programs of the distribution of this normalised name, and whether those are all by which it may be loaded.
pub(super) fn names_of(distribution: &str) -> (&'static [&'static str], bool) {
    let find = |table: &[(&str, &'static [&'static str])]| {
        table.iter().find(|(name, _)| *name == distribution).map(|(_, names)| *names)
    };
    match find(KNOWN) {
        Some(names) => (names, true),
        None => (find(UNLIKE).unwrap_or_default(), false),
    }
}
