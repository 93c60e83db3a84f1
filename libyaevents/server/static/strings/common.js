/** What every part of the page says: navigation, states, errors, units. */

export const COMMON = {
  "app.name": { ar: "استوديو أحداث ليبيا", en: "Libya events studio" },
  "app.skip": { ar: "انتقل إلى المحتوى", en: "Skip to the content" },
  "app.loading": { ar: "جارٍ التحميل…", en: "Loading…" },
  "app.other_language": { ar: "English", en: "العربية" },
  "app.menu": { ar: "أقسام الاستوديو", en: "Parts of the studio" },
  "app.author": { ar: "اسمك", en: "Your name" },
  "app.author_hint": {
    ar: "يُكتب مع كل تغيير تجريه، ليعرف زملاؤك من غيّر ماذا.",
    en: "It is kept with every change that you make, so that others know who changed what.",
  },
  "app.author_save": { ar: "حفظ الاسم", en: "Keep the name" },
  "app.not_found": {
    ar: "لا توجد صفحة بهذا العنوان. عُد إلى قائمة المقالات.",
    en: "There is no page at this address. Go back to the list of articles.",
  },

  "nav.documents": { ar: "المقالات", en: "Articles" },
  "nav.agreement": { ar: "التوافق", en: "Agreement" },
  "nav.pictures": { ar: "الخريطة والزمن", en: "Pictures" },
  "nav.retraining": { ar: "التدريب", en: "Training" },
  "nav.help": { ar: "المساعدة", en: "Help" },

  "action.close": { ar: "إغلاق", en: "Close" },
  "action.cancel": { ar: "إلغاء", en: "Cancel" },
  "action.save": { ar: "حفظ", en: "Save" },
  "action.retry": { ar: "إعادة المحاولة", en: "Try again" },
  "action.reload": { ar: "إعادة تحميل الصفحة", en: "Reload the page" },
  "action.undo": { ar: "تراجع", en: "Undo" },
  "action.back": { ar: "رجوع", en: "Back" },
  "action.stop": { ar: "إيقاف", en: "Stop" },
  "action.copy": { ar: "نسخ", en: "Copy" },

  "state.new": { ar: "لم تُراجَع", en: "New" },
  "state.changed": { ar: "قيد المراجعة", en: "In work" },
  "state.done": { ar: "مكتملة", en: "Done" },

  "layer.shared": { ar: "القراءة المشتركة", en: "Shared reading" },
  "layer.of": { ar: "قراءة {name}", en: "Reading of {name}" },

  "error.offline": {
    ar: "لا يجيب الخادم. تأكد من أنه يعمل (libyaevents serve) ثم أعد المحاولة؛ ما لم يُحفظ بعد باقٍ في هذا المتصفح.",
    en: "The server does not answer. See that it runs (libyaevents serve), then try again; what is not saved yet stays in this browser.",
  },
  "error.token": {
    ar: "أُعيد تشغيل الخادم منذ فتح هذه الصفحة. أعد تحميلها للمتابعة؛ لن يضيع شيء.",
    en: "The server was started again since this page was opened. Reload it to go on; nothing is lost.",
  },
  "error.busy": {
    ar: "الخادم مشغول الآن. أعد المحاولة بعد قليل.",
    en: "The server is busy now. Try again in a moment.",
  },
  "error.server": { ar: "رفض الخادم الطلب: {message}", en: "The server refused: {message}" },
  "error.unexpected": {
    ar: "خطأ غير متوقع: {message}. أعد تحميل الصفحة؛ ما حُفظ باقٍ.",
    en: "Something unexpected went wrong: {message}. Reload the page; what was saved is kept.",
  },

  "time.seconds": {
    ar: {
      one: "ثانية واحدة", two: "ثانيتان", few: "{n} ثوانٍ", many: "{n} ثانية", other: "{n} ثانية",
    },
    en: { one: "{n} second", other: "{n} seconds" },
  },
  "time.minutes": {
    ar: {
      one: "دقيقة واحدة", two: "دقيقتان", few: "{n} دقائق", many: "{n} دقيقة", other: "{n} دقيقة",
    },
    en: { one: "{n} minute", other: "{n} minutes" },
  },
  "time.hours": {
    ar: { one: "ساعة واحدة", two: "ساعتان", few: "{n} ساعات", many: "{n} ساعة", other: "{n} ساعة" },
    en: { one: "{n} hour", other: "{n} hours" },
  },
  "size.kilobytes": { ar: "{n} كيلوبايت", en: "{n} KiB" },
  "size.megabytes": { ar: "{n} ميغابايت", en: "{n} MiB" },

  "count.documents": {
    ar: {
      zero: "لا مقالات", one: "مقالة واحدة", two: "مقالتان", few: "{n} مقالات", many: "{n} مقالة", other: "{n} مقالة",
    },
    en: { one: "{n} article", other: "{n} articles" },
  },
  "count.words": {
    ar: {
      zero: "لا كلمات", one: "كلمة واحدة", two: "كلمتان", few: "{n} كلمات", many: "{n} كلمة", other: "{n} كلمة",
    },
    en: { one: "{n} word", other: "{n} words" },
  },
  "count.entities": {
    ar: {
      zero: "لا أسماء", one: "اسم واحد", two: "اسمان", few: "{n} أسماء", many: "{n} اسما", other: "{n} اسم",
    },
    en: { one: "{n} name", other: "{n} names" },
  },
  "count.events": {
    ar: {
      zero: "لا أحداث", one: "حدث واحد", two: "حدثان", few: "{n} أحداث", many: "{n} حدثا", other: "{n} حدث",
    },
    en: { one: "{n} event", other: "{n} events" },
  },
};
