//! The last labels of host names, and how sure each of them makes it that a name is one of a host.

use std::collections::HashMap;
use std::sync::LazyLock;

/// How much a last label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Whatever stands before it is a host.
    Sure,
    /// It is a word, a field or the end of a file's name as well, so two labels must stand before it.
    Wordy,
}

/// Countries, old domains, and what is used inside networks. Without countries that mostly end files: md, mk, ps, py,
/// sh, so, tf.
const SURE: &str = "\
    ad ae aero af ag ai amazon ao app aq ar arpa asia at au aw ax az azure ba bayern bb bd be berlin bf bg \
    bh bi biz bj bm bn bo bs bt bw by ca cd cf cg ch ci ck cl cloud cm cn co com consul coop corp cr cu cv \
    cw cx cy cz de dev dj dk dm dz ec edu ee eg er es et eu example fi fj fk fm fo fr ga gd ge gf gg gh gi \
    gl gm gn google gov gp gq gr gs gt gu gw gy hamburg hk hm hn home hr ht hu ie il info intern internal \
    intranet invalid io iq ir it je jm jo jp ke kg kh ki kn koeln kp kr kw ky kz lan lb lc li lk local \
    localdomain london lr lt lu lv ly ma mc me mg mh mil mn mobi mp mq mr mt mu museum mv mw mx mz na nc ne \
    net nf ng ni nl no np nr nu nyc nz om onion online org pa paris pe pf pg ph pk pn pr pt pw qa re ro ru \
    rw sa sb sc sd se sg shop si site sk sl sm sn sr ss store su sv swiss sx sy sz tc td tech test tg th tj \
    tk tl tm tn tokyo tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf wien ws xyz ye yt za zm zw";

/// Countries that are words or ends of files, and domains that are words.
const WORDY: &str = "\
    ac agency al am as aws bank blog br business bz capital care cc center company consulting digital do \
    email energy engineering finance foundation fund global group health host hosting id im in insurance int \
    international is km la life link live ls media ml mm mo ms my network news one page partners pl pm \
    private pro rs run services software solutions space st studio support svc systems team technology to \
    today tools top ventures website work works world zone";

static KNOWN: LazyLock<HashMap<&str, Trust>> = LazyLock::new(|| {
    let sure = SURE.split(' ').map(|label| (label, Trust::Sure));
    sure.chain(WORDY.split(' ').map(|label| (label, Trust::Wordy))).collect()
});

/// The longest label that is known.
const LONGEST: usize = 13;

/// Returns how much `label`, the last one of a name, says; nothing if no host ends in it.
pub(super) fn trust(label: &str) -> Option<Trust> {
    // Names in other scripts are written that way; nothing else is.
    if label.starts_with("xn--") {
        return Some(Trust::Sure);
    }
    if label.len() > LONGEST {
        return None;
    }
    KNOWN.get(label.to_ascii_lowercase().as_str()).copied()
}
