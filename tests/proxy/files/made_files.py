"""Small real files in the formats that people upload, made by the formats' own libraries; PDF by hand."""

import io
from collections.abc import Sequence

import pypdf


def pdf(pages: Sequence[str], password: str | None = None) -> bytes:
    """A PDF with a line of text on each page, as a writer of text would lay it out."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, text in enumerate(pages):
        drawn = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        font = "/Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {font} /Contents {5 + 2 * i} 0 R >>")
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    written, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    whole = written + f"{end}startxref\n{len(written)}\n%%EOF\n".encode("latin-1")
    return whole if password is None else _locked(whole, password)


def _locked(data: bytes, password: str) -> bytes:
    writer, locked = pypdf.PdfWriter(clone_from=io.BytesIO(data)), io.BytesIO()
    writer.encrypt(password, algorithm="RC4-128")
    writer.write(locked)
    return locked.getvalue()


def docx() -> bytes:
    """A report with titles, paragraphs, a list and a table."""
    from docx import Document

    made, saved = Document(), io.BytesIO()
    made.add_heading("Harbour report", 0)
    made.add_heading("Dredging", 1)
    made.add_paragraph("The channel was dredged to a depth of eleven metres in March.")
    made.add_paragraph("Silt is taken to the northern dump site.", style="List Bullet")
    made.add_heading("Fees", 1)
    table = made.add_table(rows=2, cols=2)
    for place, text in enumerate(("Vessel", "Fee", "Trawler", "340 kroner")):
        table.cell(place // 2, place % 2).text = text
    made.save(saved)
    return saved.getvalue()


def pptx() -> bytes:
    """Two slides, the second with notes and a group of shapes."""
    from pptx import Presentation
    from pptx.util import Inches

    made, saved = Presentation(), io.BytesIO()
    for title, text in (("Welcome", "Agenda of the spring meeting."), ("Beekeeping", "Hives are moved at night.")):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, text
    slide.notes_slide.notes_text_frame.text = "Mention the smoker."
    box = slide.shapes.add_group_shape().shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1))
    box.text_frame.text = "Queens live four years."
    made.save(saved)
    return saved.getvalue()


def xlsx() -> bytes:
    """Two sheets; the first begins with an empty row and has a value beyond its titles."""
    from openpyxl import Workbook

    made, saved = Workbook(), io.BytesIO()
    made.active.title = "Stock"
    for row in ([], ["Item", "Shelf", "Count"], ["Lantern", "B7", 12, "fragile"], ["Rope", "C1", 80]):
        made.active.append(row)
    made.create_sheet("Prices").append(["Lantern", 19.5])
    made.save(saved)
    return saved.getvalue()
